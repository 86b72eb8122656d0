import pytest

from tabserve.core.retry import retried


class Work:
    """Fails with the prepared errors in turn, then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.tries = 0

    def __call__(self) -> str:
        self.tries += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def test_work_is_done_again_after_each_pause_until_it_succeeds() -> None:
    work, pauses = Work(OSError(), OSError()), list[float]()
    assert retried(work, (0.2, 1.0, 2.0), OSError, pauses.append) == "done"
    assert work.tries == 3
    assert all(0 <= pause <= longest for pause, longest in zip(pauses, (0.2, 1.0), strict=True))


def test_the_last_error_is_raised() -> None:
    with pytest.raises(OSError, match="last"):
        retried(Work(OSError(), OSError("last"), OSError("never")), (0.0,), OSError)


@pytest.mark.parametrize("when", [OSError, lambda error: "passing" in str(error)])
def test_what_would_not_pass_is_not_tried_again(when: type[Exception]) -> None:
    work = Work(ValueError("bug"))
    with pytest.raises(ValueError, match="bug"):
        retried(work, (9.0,), when)
    assert work.tries == 1
