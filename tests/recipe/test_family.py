import pytest

from augment.errors import RecipeError
from augment.recipe.experiment import compose_experiment, experiment_names
from augment.recipe.face_network import compose_training, training_names

FAMILIES = {
    "experiment": (experiment_names, compose_experiment, "few_shot_smoke", "studies"),
    "training": (training_names, compose_training, "face_network", "trainings"),
}
each_family = pytest.mark.parametrize("noun", list(FAMILIES))


@each_family
def test_a_user_s_file_stands_beside_the_shipped_ones_and_may_hide_one(noun, tmp_path):
    names, compose, shipped, _ = FAMILIES[noun]
    text = "threads: 5\n" + ("data: made_up\n" if noun == "experiment" else "")
    for name in ("mine", shipped):
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    assert set(names(tmp_path)) == {*names(), "mine"}
    assert compose("mine", (), tmp_path).name == "mine"
    assert compose(shipped, (), tmp_path).threads == 5
    assert compose(shipped, ["threads=6"], tmp_path).threads == 6


@each_family
def test_the_folder_is_filled_in_and_a_given_one_stays(noun):
    _, compose, shipped, _ = FAMILIES[noun]
    assert compose(shipped).out == f"out/{shipped}"
    assert compose(shipped, ["out=here"]).out == "here"


@each_family
def test_every_mistake_stands_in_one_message(noun):
    _, compose, shipped, _ = FAMILIES[noun]
    with pytest.raises(RecipeError) as caught:
        compose(shipped, ["threds=1", "threads=0", "training.rate=fast"])
    assert str(caught.value) == (
        f"{noun} {shipped}: unknown key 'threds', the nearest known key is 'threads';"
        " training.rate expects a number of 0 or more, got 'fast';"
        " threads expects a whole number of 1 or more, got 0"
    )


@each_family
def test_a_wrong_name_override_or_folder_is_one_sentence(noun, tmp_path):
    names, compose, shipped, plural = FAMILIES[noun]
    near = shipped[:-1]
    with pytest.raises(RecipeError) as caught:
        compose(near)
    assert str(caught.value) == (
        f"unknown {noun} {near!r}, the nearest known {noun} is {shipped!r}; `facies list` shows"
        " all of them"
    )
    with pytest.raises(RecipeError, match=rf"'threads=1,2' asks for several {plural}"):
        compose(shipped, ["threads=1,2"])
    with pytest.raises(RecipeError, match=r"expected key=value, got 'threads'"):
        compose(shipped, ["threads"])
    with pytest.raises(RecipeError, match=r"expects a folder of YAML files, got '.*nowhere'"):
        names(tmp_path / "nowhere")


@each_family
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "threads: [1",
            r"expected YAML in '.*mine.yaml', got .*'<stream end>' in line 1; correct it",
        ),
        ("- threads", "{noun} mine expects keys and values, got '- threads'"),
    ],
)
def test_a_file_that_holds_no_keys_is_named(noun, text, message, tmp_path):
    _, compose, _, _ = FAMILIES[noun]
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(RecipeError, match=message.format(noun=noun)):
        compose("mine", (), tmp_path)


@each_family
def test_a_stranger_s_file_does_not_reach_out_of_where_it_is_run(noun, tmp_path):
    compose = FAMILIES[noun][1]
    data = "data: made_up\n" if noun == "experiment" else ""
    (tmp_path / "mine.yaml").write_text(f"out: ../../elsewhere\n{data}", encoding="utf-8")
    with pytest.raises(RecipeError, match=r"out expects a folder below the current one in a recip"):
        compose("mine", (), tmp_path)
    assert compose("mine", ["out=/given/by/the/user"], tmp_path).out == "/given/by/the/user"
    if noun == "experiment":
        text = f"engine: ray\nray_address: 6.6.6.6:10001\n{data}"
        (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(RecipeError, match="ray_address expects to be given on the command"):
            compose("mine", (), tmp_path)
