"""The folder of one step in staging; the step is finished when its result is written."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from etl_framework.errors import RetryableError
from etl_framework.storage.fetched import broken, brought
from etl_framework.storage.outcome import Finished, Outcome
from etl_framework.storage.proof import Proof, difference, proof_of
from etl_framework.storage.s3 import S3Prefix
from etl_framework.storage.write import write_bytes

RESULT = "result.json"
FETCHED = "fetched"
# The folder beside those of steps, for outputs from S3: `.downloaded/<step>/<attempt>`.
DOWNLOADED = ".downloaded"


@dataclass(frozen=True)
class StepFolder:
    """The output of one step: `data/*.parquet`, `rejected/*.parquet`, `result.json`.

    :param path: the folder on this machine.
    :param remote: the prefix in S3, if staging is in S3.
    :param proved: the folders of the attempts whose files this process has written or proved.
    :param own: the step's own folder, if `path` is that of an output that was downloaded.
    """

    path: Path
    remote: S3Prefix | None = None
    proved: dict[str, Path] = field(default_factory=dict, compare=False, repr=False)
    own: Path | None = None

    @property
    def fetched(self) -> Path:
        """The folder for a source's files while they are read; it is no part of the output."""
        return (self.own or self.path) / FETCHED

    def begin(self) -> None:
        """Delete what an earlier attempt left on this machine."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir(parents=True)

    def part(self, name: str) -> Path:
        """Return a folder inside this folder; create it if it does not exist."""
        folder = self.path / name
        folder.mkdir(exist_ok=True)
        return folder

    def files(self, part: str) -> list[str]:
        """Return the Parquet files of a part, sorted."""
        return sorted(str(file) for file in (self.path / part).glob("*.parquet"))

    def finish(self, outcome: Outcome) -> None:
        """Record the outcome atomically; after that, the step's output counts as finished.

        :raises RetryableError: S3 does not answer.
        """
        shutil.rmtree(self.fetched, ignore_errors=True)
        attempt = secrets.token_hex(8)
        result = self.path / RESULT
        files = sorted(p for p in self.path.rglob("*") if p.is_file() and p != result)
        proofs = {str(file.relative_to(self.path)): proof_of(file) for file in files}
        if self.remote:
            proofs = self._uploaded(self.remote / attempt, proofs)
        written = Finished(outcome, attempt, proofs).written()
        write_bytes(result, written)
        self.proved[attempt] = self.path
        if self.remote:
            self.remote.write(RESULT, written)

    def _uploaded(self, place: S3Prefix, proofs: Mapping[str, Proof]) -> dict[str, Proof]:
        """Upload files and return their proofs with the tags that S3 gave them."""
        for name in proofs:
            place.upload(self.path / name, name)
        tags = {stored.name: stored.tag for stored in place.listed()} if proofs else {}
        if missing := proofs.keys() - tags.keys():
            raise RetryableError(f"{place.uri(min(missing))} is not there after its upload")
        return {name: replace(proof, tag=tags[name]) for name, proof in proofs.items()}

    def outcome(self) -> Outcome | None:
        """Return the outcome that `finish` recorded, or None if the step has not finished."""
        finished = self.finished()
        return finished.outcome if finished else None

    def finished(self) -> Finished | None:
        """Return the outcome together with the valid attempt; None if not finished."""
        return Finished.read(self._result())

    def broken(self) -> str:
        """Return in words what is not as the step wrote it; empty if everything is, or nothing is.

        In S3, sizes and tags of the objects are compared; `fetch` compares what it downloads.
        """
        result = self._result()
        finished = Finished.read(result)
        if finished is None:
            return "" if result is None else f"{RESULT} is not as it was written"
        if self.remote:
            stored = {s.name: (s.size, s.tag) for s in (self.remote / finished.attempt).listed()}
            for name, proof in finished.proofs.items():
                if stored.get(name) != (proof.size, proof.tag):
                    return f"{name} is {'another file' if name in stored else 'not there'}"
            return ""
        wrong = difference(self.path, finished.proofs)
        if not wrong:
            self.proved[finished.attempt] = self.path
        return wrong

    def fetch(self) -> StepFolder:
        """Return the folder on this machine that has the finished output; download it if need be.

        :raises BrokenStateError: a file is not as the step wrote it.
        :raises RetryableError: S3 does not answer.
        """
        finished = self.finished()
        if finished is None:
            return self
        if finished.attempt not in self.proved:
            self.proved[finished.attempt] = self._proved(finished, finished.proofs)
        return replace(self, path=self.proved[finished.attempt], own=self.path)

    def bring(self, part: str) -> list[str]:
        """Return the Parquet files of one part of the output; download only this part.

        :raises BrokenStateError: a file is not as the step wrote it.
        :raises RetryableError: S3 does not answer.
        """
        finished = self.finished()
        if finished is None:
            return [] if self.remote else self.files(part)
        wanted = {
            name: proof
            for name, proof in finished.proofs.items()
            if name.startswith(f"{part}/") and name.endswith(".parquet")
        }
        place = self._proved(finished, wanted) if wanted else self.path
        return sorted(str(place / name) for name in wanted)

    def written_at(self) -> datetime | None:
        """Return when the newest of its files was written; None if there is none."""
        if self.remote:
            return max((stored.modified for stored in self.remote.listed()), default=None)
        times = [file.stat().st_mtime for file in self.path.rglob("*") if file.is_file()]
        return datetime.fromtimestamp(max(times), UTC) if times else None

    def delete(self) -> None:
        """Delete the step's output, here and in S3, also what earlier attempts have left."""
        if self.remote:
            self.remote.delete([RESULT])  # first: from then on the step is not finished
            self.remote.delete([stored.name for stored in self.remote.listed()])
        for folder in (self.path, self.path.parent / DOWNLOADED / self.path.name):
            shutil.rmtree(folder, ignore_errors=True)

    def delete_others(self) -> None:
        """Delete what attempts have left in S3 that are not the valid one, and all downloads."""
        shutil.rmtree(self.path.parent / DOWNLOADED / self.path.name, ignore_errors=True)
        finished = self.finished()
        if self.remote and finished:
            valid = (RESULT, f"{finished.attempt}/")
            names = (stored.name for stored in self.remote.listed())
            self.remote.delete([name for name in names if not name.startswith(valid)])

    def _proved(self, finished: Finished, proofs: Mapping[str, Proof]) -> Path:
        """Return the folder with files that are as the step wrote them."""
        here = Finished.read(_content(self.path / RESULT))
        if here and here.attempt == finished.attempt:
            wrong = difference(self.path, proofs)
            if not wrong:
                return self.path
            if not self.remote:
                raise broken(str(self.path), wrong)
        assert self.remote, "without S3, the result here is the only one"
        downloaded = self.path.parent / DOWNLOADED / self.path.name
        return brought(downloaded, self.remote, finished.attempt, proofs)

    def _result(self) -> bytes | None:
        return self.remote.read(RESULT) if self.remote else _content(self.path / RESULT)


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
