from __future__ import annotations

import subprocess
import sys


def test_an_api_worker_never_imports_tensorflow() -> None:
    code = (
        "import sys, api.server.web, api.http.app\n"
        "heavy = {'tensorflow', 'keras', 'matplotlib', 'sklearn'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
