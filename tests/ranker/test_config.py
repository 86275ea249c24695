import pytest
from pydantic import ValidationError

from ranker import RankerConfig


def test_weight_of_a_source():
    config = RankerConfig(weight_cf=2, weight_audio=0.5, weight_popular=0)
    weights = [config.weight(source) for source in ("cf", "audio", "popular", "another")]
    assert weights == [2, 0.5, 0, 1]


def test_is_frozen_and_refuses_unknown_keys():
    config = RankerConfig()
    with pytest.raises(ValidationError, match="frozen"):
        config.quota = 3
    with pytest.raises(ValidationError, match="Extra inputs"):
        RankerConfig(weight_sound=1)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("quota", 0),
        ("rrf_k", 0),
        ("weight_cf", -0.1),
        ("weight_audio", -0.1),
        ("weight_popular", -0.1),
        ("artist_cap", 0),
        ("artist_cap", 1001),
        ("weight_cf", float("inf")),
        ("weight_cf", float("nan")),
        ("weight_new", 1001),
        ("rrf_k", float("inf")),
        ("rrf_k", 1e39),
        ("quota", 10**6),
        ("quota_new", 10**6),
        ("explore_listeners", 10**7),
        ("diversity", 1.1),
        ("diversity", -0.1),
    ],
)
def test_refuses_values_out_of_range(field, value):
    with pytest.raises(ValidationError, match=field):
        RankerConfig(**{field: value})


def test_every_setting_is_described():
    assert all(field.description for field in RankerConfig.model_fields.values())


def test_a_source_has_the_quota_of_all_unless_it_has_its_own():
    config = RankerConfig(quota=50, quota_audio=7, quota_new=0)
    quotas = [config.quota_of(source) for source in ("cf", "audio", "new", "another")]
    assert quotas == [50, 7, 0, 50]
