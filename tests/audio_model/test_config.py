import pytest
from pydantic import ValidationError

from audio_model.config import MEL_FIELDS, AudioConfig
from audio_model.recipes import RECIPES, Recipe, check_recipe, resolve_recipe
from data.errors import ParameterError


def test_the_settings_of_the_article():
    config = AudioConfig(recipe="article")
    assert (config.sr, config.n_mels, config.chunk_frames, config.top_db) == (22_050, 128, 129, 80)
    recipe = resolve_recipe(config)
    assert (recipe.name, recipe.temperature, recipe.batch_size) == ("article", 0.1, 8)


def test_the_length_of_a_chunk_is_the_recipes_unless_it_is_given():
    assert AudioConfig().chunk_frames == RECIPES["crops"].chunk_frames == 216
    assert AudioConfig(recipe="article", chunk_frames=64).chunk_frames == 64
    assert AudioConfig().for_recipe("article") == AudioConfig(recipe="article")
    with pytest.raises(ParameterError, match="Received: 'jazz'"):
        AudioConfig().for_recipe("jazz")


@pytest.mark.parametrize(
    ("field", "value"),
    [("hop_length", -3), ("hop_length", 4096), ("min_duration", 20_000), ("seed", -1), ("typo", 1)],
)
def test_a_wrong_setting_is_refused_by_name(field, value):
    with pytest.raises(ValidationError, match=field):
        AudioConfig(**{field: value})


def test_settings_are_frozen(config):
    with pytest.raises(ValidationError, match="frozen"):
        config.sr = 1


def test_every_setting_says_what_it_is():
    assert all(field.description for field in AudioConfig.model_fields.values())


def test_mel_parameters_leave_out_what_a_spectrogram_does_not_depend_on():
    assert set(MEL_FIELDS) == set(AudioConfig().mel_parameters())
    same = AudioConfig(seed=3, epochs=1, chunk_frames=64, threads=2)
    assert same.mel_parameters() == AudioConfig().mel_parameters()


def test_an_unknown_recipe_is_refused_with_the_known_ones():
    message = r"`recipe` must be one of article, crops\. Received: 'jazz'\."
    with pytest.raises(ParameterError, match=message):
        AudioConfig(recipe="jazz")
    with pytest.raises(ParameterError, match=message):
        check_recipe("jazz")


def test_overrides_replace_only_what_is_given():
    recipe = resolve_recipe(AudioConfig(epochs=9, batch_size=3, max_steps=5))
    assert (recipe.epochs, recipe.batch_size, recipe.max_steps) == (9, 3, 5)
    assert recipe.learning_rate == RECIPES["crops"].learning_rate
    assert resolve_recipe(AudioConfig()) == RECIPES["crops"]


def test_a_training_from_an_encoder_is_shorter_and_gentler_unless_overridden():
    recipe, tuned = RECIPES["crops"], resolve_recipe(AudioConfig(), tuning=True)
    assert tuned.max_steps == recipe.tuning.max_steps < recipe.max_steps
    assert tuned.learning_rate == recipe.tuning.rate * recipe.learning_rate
    assert tuned.kin_weight == recipe.tuning.kin_weight > recipe.kin_weight
    assert tuned.share == recipe.tuning.share < recipe.share == 1
    assert resolve_recipe(AudioConfig(max_steps=7), tuning=True).max_steps == 7
    article = AudioConfig(recipe="article")
    assert resolve_recipe(article, tuning=True) == resolve_recipe(article)
    for tuning in (False, True):
        assert resolve_recipe(AudioConfig(kin_weight=0.2), tuning=tuning).kin_weight == 0.2


def test_recipes_of_older_files_call_the_kin_artists():
    old = {"name": "t", "artist_weight": 0.1, "tuning": {"artist_weight": 0.3}}
    recipe = Recipe.model_validate(old)
    assert (recipe.kin_weight, recipe.tuning.kin_weight) == (0.1, 0.3)
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe


def test_artists_alone_are_kin_by_default():
    assert AudioConfig().positives == ("artist",)
    with pytest.raises(ValidationError, match="'artist', 'album' or 'listeners'"):
        AudioConfig(positives=["genre"])
