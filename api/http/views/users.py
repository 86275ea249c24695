"""The users of whom something is held."""

from __future__ import annotations

from flask import Response

from api.http.documents import UserPage, answer
from api.http.queries import Blueprint
from api.http.schemas import UsersQuery
from api.http.services import services

blueprint = Blueprint("users", __name__, tag="Users")


@blueprint.get("/v1/users")
@blueprint.input(UsersQuery, location="query", arg_name="query")
@blueprint.output(UserPage)
@blueprint.doc(operation_id="listUsers", summary="List users", responses={503: "No store"})
def page(query: UsersQuery) -> Response:
    """Answer a page of the users' ids, sorted."""
    found = services().store.users_page(query.prefix, query.limit + 1, query.after)
    last = found[query.limit - 1] if len(found) > query.limit else None
    return answer({"items": [{"user_id": u} for u in found[: query.limit]], "next": last})
