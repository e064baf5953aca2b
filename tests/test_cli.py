import errno
import re
import subprocess
import sys

import pytest
from fakes import open_fake_maker

from augment import cli
from augment.errors import RecipeError


@pytest.fixture
def run(capsys):
    def run(*words):
        code = cli.main(words)
        streams = capsys.readouterr()
        return code, streams.out, streams.err

    return run


def one_sentence(err):
    lines = err.strip().splitlines()
    assert len(lines) == 1, err
    assert lines[0].startswith("error: ")
    assert "Traceback" not in err
    return lines[0]


def test_list_shows_every_recipe_with_its_first_line(run):
    code, out, _ = run("list")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == [
        "cephalogram",
        "ct_anchored",
        "ct_subject",
        "face_demo",
        "face_fasseg",
        "face_train",
        "head_ct",
        "head_ct_randomised",
        "head_shapes",
        "mandible_kbp",
        "pathology_atlas",
        "photo_subject",
        "swelling_course",
        "face_parsing_few_shot",
        "few_shot_smoke",
        "mandible_few_shot",
        "face_network",
    ]


def test_show_prints_values_with_their_meaning(run):
    code, out, _ = run("show", "ct_subject", "render.size_px=64")
    assert code == 0
    assert "size_px: 64" in out
    assert "# width and height of a picture in pixels (32 to 4096)" in out
    assert out.startswith("# The head of your own CT")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["generate", "face_dem"], "unknown recipe 'face_dem', the nearest .*'face_demo'"),
        (["generate", "face_demo", "sampels=3"], "unknown key 'sampels', .*'samples'"),
        (["generate", "face_demo", "seed=soon"], "seed expects a whole number"),
        (["generate", "ct_subject"], "subject.path expects a file"),
        (["generate", "ct_subject", "subject.path=no.nii"], "'no.nii': no such file"),
        (["generate", "face_demo", "--frobnicate"], "unknown argument '--frobnicate'"),
        (["generate"], "the following arguments are required: recipe"),
        (["verify", "nowhere"], "'nowhere' is not a data set of facies"),
        (["verify", "nowhere", "more"], "unknown argument 'more'"),
        (["reconstruct", "ct", "no.nii"], "no.nii"),
        (["reconstruct", "scan", "no.obj"], "no.obj"),
        (["reconstruct", "ct", "a.nii", "output=b"], "expects out=DIR or unit=.*got 'output=b'"),
        (["reconstruct", "scan", "a.obj", "unit=ft"], "unit expects one of mm, .*got 'ft'"),
        (["reconstruct", "mri", "a.nii"], "invalid choice: 'mri'"),
        (["export", "nowhere", "--to", "coco"], "'nowhere' is not a data set of facies"),
        (["export", "nowhere", "--to", "tiff"], "--to expects one of nnunet, .*got 'tiff'"),
        (["export", "nowhere"], "the following arguments are required: --to"),
        (["export", "nowhere", "--to", "coco", "to=b"], "export expects out=DIR, got 'to=b'"),
        (["frobnicate"], "invalid choice: 'frobnicate'"),
        (["show", "face_demo", "--config-dir", "nowhere"], "expects a folder of YAML files"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(run, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    code, _, err = run(*words)
    assert code == 2
    assert re.search(message, one_sentence(err)), err
    assert list(tmp_path.iterdir()) == []


def test_several_mistakes_come_together(run):
    _, _, err = run("generate", "face_demo", "sampels=3", "seed=-1", "render.size_px=big")
    sentence = one_sentence(err)
    assert all(part in sentence for part in ("sampels", "seed expects", "size_px expects"))


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "x/image.png"), "the disk is full"),
        (PermissionError(errno.EACCES, "Permission denied", "/data"), "'/data': permission denied"),
        (OSError("strange"), "strange"),
    ],
)
def test_a_folder_that_cannot_be_written_is_one_sentence(run, monkeypatch, error, message):
    def fail(words):
        raise error

    monkeypatch.setattr(cli, "_list", fail)
    code, _, err = run("list")
    assert code == 2
    assert message in one_sentence(err)


def test_an_interrupt_says_how_to_go_on(run, monkeypatch):
    def interrupt(words):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_list", interrupt)
    code, _, err = run("list")
    assert code == 130
    assert "the same command goes on from here" in err


def test_a_bug_is_not_hidden(monkeypatch):
    def fail(words):
        raise ZeroDivisionError

    monkeypatch.setattr(cli, "_list", fail)
    with pytest.raises(ZeroDivisionError):
        cli.main(["list"])


@pytest.fixture
def fake_pipeline(monkeypatch):
    from fakes import LEGEND, open_fake_deriver

    from augment.commands import report
    from augment.engine import generate

    monkeypatch.setattr(generate, "check_recipe", lambda spec: None)
    monkeypatch.setattr(generate, "fit_subject", lambda spec: None)
    monkeypatch.setattr(generate, "data_set_legend", lambda spec, fitted: LEGEND)
    monkeypatch.setattr(generate, "open_pipeline", lambda spec, subject: open_fake_maker(spec.seed))
    monkeypatch.setattr(report, "open_deriver", open_fake_deriver)


def test_generate_then_verify(run, fake_pipeline, tmp_path):
    out = tmp_path / "data"
    code, text, _ = run("generate", "face_demo", "samples=3", f"out={out}")
    assert code == 0
    assert "3 samples in" in text
    assert "samples a second" in text
    assert re.search(r"write +[0-9.]+ +[0-9]+ %", text)
    code, text, _ = run("verify", str(out))
    assert code == 0
    assert "every byte and label is as it was made" in text
    code, text, _ = run("generate", "face_demo", "samples=3", f"out={out}")
    assert code == 0
    assert "(3 were there already)" in text


def test_verify_of_a_changed_data_set_exits_with_1(run, fake_pipeline, tmp_path):
    run("generate", "face_demo", "samples=1", f"out={tmp_path / 'data'}")
    with (tmp_path / "data/README.md").open("a", encoding="utf-8") as card:
        card.write("!")
    code, _, err = run("verify", str(tmp_path / "data"))
    assert code == 1
    assert err == f"README.md has changed; run `facies repair {tmp_path / 'data'}`\n"


def test_multirun_makes_every_combination_in_its_own_folder(run, fake_pipeline, tmp_path):
    words = ["--multirun", "seed=1,2", "samples=1", f"out={tmp_path / 'runs'}"]
    code, _, _ = run("generate", "face_demo", *words)
    assert code == 0
    images = [
        (tmp_path / f"runs/{job}/samples/000000/healthy/view_0/image.png").read_bytes()
        for job in (0, 1)
    ]
    assert images[0] != images[1]


def test_an_error_before_the_first_sample_leaves_nothing(run, fake_pipeline, monkeypatch, tmp_path):
    from augment.engine import generate

    def refuse(spec, subject):
        raise RecipeError("severity expects at most 9.1 mm, got 40.0")

    monkeypatch.setattr(generate, "open_pipeline", refuse)
    code, _, err = run("generate", "face_demo", f"out={tmp_path / 'data'}")
    assert code == 2
    assert "at most 9.1 mm" in one_sentence(err)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_keeps_finished_samples_and_the_command_resumes(
    run, fake_pipeline, monkeypatch, tmp_path
):
    from fakes import open_failing_maker

    from augment.engine import generate

    def open_once_full(spec, subject):
        return open_failing_maker(2, "full disk", tmp_path / "was full")

    monkeypatch.setattr(generate, "open_pipeline", open_once_full)
    words = ["generate", "face_demo", "samples=4", f"out={tmp_path / 'data'}"]
    code, _, err = run(*words)
    assert code == 2
    assert "the disk is full" in one_sentence(err)
    samples = sorted(path.name for path in (tmp_path / "data/samples").iterdir())
    assert samples == ["000000", "000001"]
    code, text, _ = run("verify", str(tmp_path / "data"))
    assert code == 3
    assert "holds 2 samples, each whole, of a run that has not finished" in text
    code, text, _ = run(*words)
    assert code == 0
    assert "(2 were there already)" in text
    assert run("verify", str(tmp_path / "data"))[0] == 0


def test_two_runs_do_not_write_to_one_folder(run, fake_pipeline, monkeypatch, tmp_path):
    from augment.engine import generate

    out = tmp_path / "data"
    inner = {}

    def open_and_run_again(spec, subject):
        if not inner:
            inner["code"] = None
            inner["code"], _, inner["err"] = run("generate", "face_demo", "samples=2", f"out={out}")
        return open_fake_maker(spec.seed)

    monkeypatch.setattr(generate, "open_pipeline", open_and_run_again)
    assert run("generate", "face_demo", "samples=2", f"out={out}")[0] == 0
    assert inner["code"] == 2
    assert "another run is writing" in inner["err"]


def test_an_out_that_cannot_be_made_is_one_sentence(run, fake_pipeline, tmp_path):
    (tmp_path / "file").touch()
    code, _, err = run("generate", "face_demo", "samples=1", f"out={tmp_path / 'file/data'}")
    assert code == 2
    assert "file/data" in one_sentence(err)


def test_the_command_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "augment.cli", "show", "nothing"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: unknown recipe 'nothing'")
