"""Which words of AEOUT and of DS say that the participant died."""

import pytest

from rules.events import has_fatal_outcome, tells_of_death
from rules.records import AdverseEvent, Disposition


@pytest.mark.parametrize(
    "text",
    [
        "FATAL",
        "Fatal Outcome",
        "RESULTED IN DEATH",
        "Died from event",
        "Death, cause of death unknown",
        "Death due to sepsis",
        "Death not related to study drug",
        "Deceased",
        "死亡",
        "死亡。",
        "致死",
        "致命",
        "因感染死亡",
    ],
)
def test_a_death_is_read(text):
    assert has_fatal_outcome(AdverseEvent(aeout=text))
    assert tells_of_death(Disposition(dsdecod="OTHER", dsterm=text))
    assert tells_of_death(Disposition(dsdecod="ADVERSE EVENT", dsterm=text))
    assert tells_of_death(Disposition(dsdecod=text, dsterm="See narrative"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "RECOVERED/RESOLVED",
        "NOT RECOVERED/NOT RESOLVED",
        "UNKNOWN",
        "No death",
        "Not fatal",
        "Non-fatal",
        "Did not die",
        "Death of mother",
        "Husband died",
        "未死亡",
        "非致命",
        "父亲去世",
    ],
)
def test_no_death_is_read(text):
    assert not has_fatal_outcome(AdverseEvent(aeout=text))
    assert not tells_of_death(Disposition(dsdecod="OTHER", dsterm=text))
