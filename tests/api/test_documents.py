from __future__ import annotations

import pytest

from api.cli.output import print_json
from api.http.documents import encode


def test_a_document_is_compact_utf8() -> None:
    assert encode({"a": [1, 0.5, None], "b": "é"}) == '{"a":[1,0.5,null],"b":"é"}'.encode()


@pytest.mark.parametrize("score", [float("nan"), float("inf"), float("-inf")])
def test_nothing_is_written_that_is_no_json(
    score: float, capsys: pytest.CaptureFixture[str]
) -> None:
    for write in (encode, print_json):
        with pytest.raises(ValueError, match="not JSON compliant"):
            write({"score": score})
    assert capsys.readouterr().out == ""
