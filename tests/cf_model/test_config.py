import pytest
from pydantic import ValidationError

from cf_model import CFConfig


def test_is_frozen_and_refuses_unknown_keys():
    config = CFConfig()
    with pytest.raises(ValidationError, match="frozen"):
        config.alpha = 2.0
    with pytest.raises(ValidationError, match="Extra inputs"):
        CFConfig(factor=3)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("factors", 0),
        ("alpha", 0.0),
        ("regularization", 0.0),
        ("frequency_power", -0.1),
        ("bm25_k1", 0.0),
        ("iterations", 0),
        ("threads", -1),
        ("seed", -1),
        ("confidence", "square"),
    ],
)
def test_refuses_values_out_of_range(field, value):
    with pytest.raises(ValidationError, match=field):
        CFConfig(**{field: value})


def test_every_setting_is_described():
    assert all(field.description for field in CFConfig.model_fields.values())
