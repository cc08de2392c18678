import multiprocessing
import os
import signal
from pathlib import Path

from etl_framework.storage.spill import spill_folder


def spill_and_die(parent: Path) -> None:
    with spill_folder(parent) as folder:
        (folder / "part").touch()
        os.kill(os.getpid(), signal.SIGKILL)


def folders(parent: Path) -> list[Path]:
    return [path for path in parent.iterdir() if path.is_dir()]


def test_two_at_once_keep_out_of_each_others_way(tmp_path: Path) -> None:
    with spill_folder(tmp_path) as one:
        (one / "part").touch()
        with spill_folder(tmp_path) as other:
            assert one != other
        assert (one / "part").exists()
    assert folders(tmp_path) == []


def test_a_killed_process_leaves_nothing_for_long(tmp_path: Path) -> None:
    def killed() -> None:
        process = multiprocessing.get_context("spawn").Process(
            target=spill_and_die, args=(tmp_path,)
        )
        process.start()
        process.join()
        assert process.exitcode
        assert folders(tmp_path)

    killed()
    with spill_folder(tmp_path) as folder:
        assert folders(tmp_path) == [folder]
        killed()  # someone else spills: nothing is cleaned up under them
        assert folder.exists()
    with spill_folder(tmp_path) as folder:
        assert folders(tmp_path) == [folder]
