"""Runs the service: gunicorn, the embedded Redis and the audio worker, as one."""

from api.server.supervisor import serve

__all__ = ["serve"]
