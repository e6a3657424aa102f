"""What denies a term that a text names, and what only seems to."""

import pytest

from rules import infection_terms
from rules.event_groups import vocabulary
from rules.terms import find


def standing(text: str) -> bool:
    """Whether a text names an infection or an event of a group, and nothing denies it."""
    return any(not found.denied for found in (*find(vocabulary(), text), *infection_terms.find(text)))


@pytest.mark.parametrize(
    "text",
    [
        "Pulmonary embolism not excluded",
        "Pulmonary embolism cannot be excluded",
        "Pulmonary embolism could not be ruled out",
        "Pulmonary embolism to be ruled out",
        "TB not ruled out",
        "TB has not been ruled out",
        "不能排除肺栓塞",
        "不排除肺栓塞",
        "无法排除肺炎",
        "待排除肺栓塞",
        "肺栓塞不除外",
        "不除外肺栓塞",
        "肺栓塞待排",
    ],
)
def test_a_suspicion_is_no_denial(text):
    assert standing(text)


@pytest.mark.parametrize(
    "text",
    [
        "Seizure EEG negative",
        "No improvement of atrial fibrillation",
        "No resolution of pneumonia",
        "Without warning seizure",
        "Without aura seizure",
        "No trigger for seizure",
        "No relief of angina",
        "No response of pneumonia",
        "Not recovered from pneumonia",
        "DVT excluded or pulmonary embolism",
        "Partner pregnancy",
    ],
)
def test_a_denial_of_something_else_does_not_reach_the_term(text):
    assert standing(text)


@pytest.mark.parametrize(
    "text",
    [
        "Pulmonary embolism excluded",
        "TB was ruled out",
        "Pneumonia has been ruled out",
        "No new deep vein thrombosis",
        "COVID-19 negative",
        "COVID-19 PCR negative",
        "Tuberculosis test negative",
        "Seizure not confirmed",
        "Not seizure",
        "Seizure-free",
        "History of seizure",
        "Father died of myocardial infarction",
        "Suicide of brother",
        "No deep vein thrombosis or pulmonary embolism",
        "无肺栓塞或脑梗死",
        "未发生癫痫",
        "不伴癫痫",
        "癫痫病史",
        "癫痫家族史",
        "孕检阴性",
        "孕三烯酮",
        "肿瘤科就诊",
        "抗肿瘤治疗",
        "胆脂瘤",
        "已排除肺栓塞",
        "排除肺栓塞",
        "结核阴性",
    ],
)
def test_a_denial_counts(text):
    assert not standing(text)
