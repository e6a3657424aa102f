"""Infections are recognised by SOC, then list, then pattern; -itis, injections, colds and denials are none."""

import csv
from collections import Counter

import pytest

from rules import infection_terms
from rules.infection import recognise, special_interest
from rules.infection_terms import find
from rules.records import AdverseEvent
from rules.terms import Role, fits


def standing(text: str) -> list[str]:
    return [found.entry.term for found in find(text) if not found.denied]


def groups(text: str) -> set[str]:
    return {found.entry.group for found in find(text) if not found.denied and found.entry.group}


@pytest.mark.parametrize(
    "text",
    [
        "PNEUMONIA",
        "Bacteraemia",
        "bacteremia",
        "Staph. aureus septicaemia",
        "urosepsis",
        "Septic shock",
        "common cold",
        "Cold sore",
        "URTI",
        "Urinary tract infections",
        "Infected insect bite",
        "post-operative wound infection",
        "Injection site infection",
        "Influenza A",
        "Herpes-zoster ophthalmicus",
        "Legionnaires' disease",
        "COVID-19",
        "E. coli in urine",
        "C. difficile colitis",
        "SARS-CoV-2 test positive",
        "conjunctivitis",
        "Gastroenteritis viral",
        "Dental abscess",
        "Onychomycosis",
        "Viral hepatitis B",
        "culture-negative endocarditis",
        "Pneumonia, not resolved",
        "Sepsis gram-negative",
        "Staphylococcus coagulase negative",
        "Herpes zoster despite vaccination",
        "Pneumonia after influenza vaccination",
        "Tuberculosis screening positive",
        "Pneumonia COVID-19 negative",
        "no improvement in pneumonia",
        "肺炎",
        "上呼吸道感染",
        "急性肾盂肾炎",
        "带状疱疹",
        "肺炎待排",
        "帯状疱疹",
    ],
)
def test_an_infection(text):
    assert standing(text)


@pytest.mark.parametrize(
    "text",
    [
        "Colitis",
        "Pneumonitis",
        "Arthritis",
        "Drug-induced hepatitis",
        "Rhinitis",
        "Dermatitis contact",
        "Lupus nephritis",
        "Feeling cold",
        "COLD SWEAT",
        "cold intolerance",
        "Injection site reaction",
        "Infusion related reaction",
        "Flu-like symptoms",
        "Influenza like illness",
        "Influenza vaccination",
        "Reaction to zoster vaccine",
        "Hepatitis B immunisation",
        "No infection",
        "fever without infection",
        "No evidence of active pulmonary tuberculosis",
        "Pneumonia ruled out",
        "Pneumonia has been ruled out",
        "Influenza virus vaccine reaction",
        "COVID-19 test negative",
        "Non-infectious diarrhoea",
        "noninfective endocarditis",
        "Allergic conjunctivitis",
        "Interstitial pneumonia",
        "Libman-Sacks endocarditis",
        "Autoimmune encephalitis",
        "Transverse myelitis",
        "Mycosis fungoides",
        "Sterile abscess",
        "Dermatitis herpetiformis",
        "Hearing aids adjusted",
        "Candidate for surgery",
        "Aseptic necrosis",
        "Toe fracture",
        "Sudden death",
        "间质性肺炎",
        "狼疮性肺炎",
        "流感样症状",
        "流感疫苗接种后反应",
        "未见感染",
        "排除肺炎",
        "注射部位红肿",
        "关节炎",
        "",
    ],
)
def test_not_an_infection(text):
    assert not standing(text)


@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("Disseminated herpes zoster", "herpes-zoster"),
        ("Ramsay Hunt syndrome", "herpes-zoster"),
        ("Latent TB", "tuberculosis"),
        ("Tuberculous pleurisy", "tuberculosis"),
        ("T-SPOT.TB positive", "tuberculosis"),
        ("Escherichia bacteraemia", "sepsis"),
        ("Candidaemia", "invasive-fungal"),
        ("Cryptococcal meningitis", "invasive-fungal"),
        ("Oesophageal candidiasis", "invasive-fungal"),
        ("Penicillium marneffei infection", "talaromycosis"),
        ("Viral hepatitis B", "hepatitis-b"),
        ("HBV DNA increased", "hepatitis-b"),
        ("Hepatitis C", "hepatitis-c"),
        ("PJP", "pneumocystis"),
        ("CMV viraemia", "cytomegalovirus"),
        ("Mycobacterium avium complex infection", "nontuberculous-mycobacteria"),
        ("Listeriosis", "listeria"),
        ("PML", "pml"),
        ("播散性带状疱疹", "herpes-zoster"),
        ("潜伏性结核感染", "tuberculosis"),
        ("感染性休克", "sepsis"),
        ("非结核分枝杆菌肺病", "nontuberculous-mycobacteria"),
        ("乙型病毒性肝炎再激活", "hepatitis-b"),
    ],
)
def test_special_interest(text, group):
    assert groups(text) == {group}


@pytest.mark.parametrize(
    "text", ["Oral thrush", "Herpes labialis", "Varicella", "Tuberculin test negative", "乙肝疫苗接种"]
)
def test_not_of_special_interest(text):
    assert not groups(text)


def test_the_coded_soc_is_asked_first():
    event = AdverseEvent(aeterm="SOMETHING", aedecod="RHINITIS", aebodsys="Infections and infestations")
    answer = recognise([event])
    assert (answer.infection, answer.why) == (True, "coded to Infections and infestations")


def test_a_coded_infection_of_special_interest_names_its_term_too():
    answer = recognise([AdverseEvent(aeterm="Shingles with fever", aesoc="INFECTIONS AND INFESTATIONS")])
    assert answer.groups == {"herpes-zoster"}
    assert answer.why.startswith(
        "coded to INFECTIONS AND INFESTATIONS; AETERM 'Shingles with fever' matches 'shingles'"
    )


def test_either_soc_variable_is_enough():
    event = AdverseEvent(aeterm="X", aebodsys="EYE DISORDERS", aesoc="INFECTIONS AND INFESTATIONS")
    assert recognise([event]).infection is True


def test_a_list_match_wins_over_another_soc_and_says_so():
    answer = recognise([AdverseEvent(aeterm="Pink eye", aedecod="CONJUNCTIVITIS", aebodsys="EYE DISORDERS")])
    assert answer.infection is True
    assert answer.why.endswith("although coded to EYE DISORDERS")
    assert answer.variables == ("aedecod", "aebodsys")


def test_another_soc_is_no():
    assert recognise([AdverseEvent(aeterm="Gastritis", aebodsys="GASTROINTESTINAL DISORDERS")]).infection is False


def test_neither_coded_nor_known_is_neither_yes_nor_no():
    answer = recognise([AdverseEvent(aeterm="Pneumonia ruled out")])
    assert answer.infection is None
    assert "'pneumonia' does not count: the text says 'ruled out'" in answer.why


def test_one_row_of_an_event_is_enough():
    rows = [AdverseEvent(aeterm="Fever"), AdverseEvent(aeterm="Shingles"), AdverseEvent(aeterm="Fever", aesoc="X")]
    answer = recognise(rows)
    assert (answer.infection, answer.groups) == (True, {"herpes-zoster"})


def test_an_uncoded_row_keeps_an_event_open():
    assert recognise([AdverseEvent(aeterm="Fever", aesoc="GENERAL"), AdverseEvent(aeterm="Fever")]).infection is None


def test_no_entry_without_a_group_hides_one_with_a_group():
    grouped = [entry for entry in infection_terms.vocabulary().entries if entry.group]
    hiding = [
        entry.term
        for entry in infection_terms.vocabulary().entries
        if entry.role is Role.TERM
        and not entry.group
        and any(
            fits(other.words, tuple(word.strip("*") for word in entry.words), start)
            for other in grouped
            for start in range(len(entry.words))
        )
    ]
    assert not hiding


def test_vocabulary_is_sound():
    entries = infection_terms.vocabulary().entries
    assert all(entry.words and entry.source for entry in entries)
    repeated = [key for key, n in Counter((entry.words, entry.role) for entry in entries).items() if n > 1]
    assert not repeated
    assert len(special_interest()) == 13


def test_every_ctcae_infection_term_is_recognised(reference):
    with (reference / "ctcae_infections_terms.csv").open() as file:
        terms = [row["term"] for row in csv.DictReader(file) if "Other" not in row["term"]]
    assert [term for term in terms if not standing(term)] == []


def test_cdisc_pilot_73_by_soc_and_only_conjunctivitis_beside_them(data):
    with (data / "cdiscpilot01/ae.csv").open() as file:
        rows = [
            AdverseEvent(aeterm=r["AETERM"], aedecod=r["AEDECOD"], aellt=r["AELLT"], aesoc=r["AESOC"])
            for r in csv.DictReader(file)
        ]
    by_soc = [row for row in rows if recognise([row]).why.startswith("coded to INFECTIONS")]
    beside = [row for row in rows if recognise([row]).infection and row not in by_soc]
    assert (len(rows), len(by_soc)) == (1191, 73)
    assert Counter(row.aeterm for row in beside) == {"CONJUNCTIVITIS": 4}


def test_cdisc_pilot_without_its_codes(data):
    with (data / "cdiscpilot01/ae.csv").open() as file:
        rows = [(r["AESOC"], AdverseEvent(aeterm=r["AETERM"])) for r in csv.DictReader(file)]
    infections = [row for soc, row in rows if soc == "INFECTIONS AND INFESTATIONS"]
    missed = Counter(row.aeterm for row in infections if not recognise([row]).infection)
    false = Counter(row.aeterm for soc, row in rows if row not in infections and recognise([row]).infection)
    assert missed == {"CERVICITIS": 2, "RHINITIS": 1}  # -itis proves nothing
    assert false == {"CONJUNCTIVITIS": 4}
