"""Texts, joined texts and lists are the same thing to a reader."""

from services.ingest_osdr.values import completed, folded, is_empty, items, labels, prose, text


def test_five_spaces_a_list_and_a_text_give_labels() -> None:
    """Each form gives the texts in their order, each once, without empty ones."""
    assert labels("Spaceflight") == ["Spaceflight"]
    assert labels("Illumina     Affymetrix     Illumina") == ["Illumina", "Affymetrix"]
    assert labels(["Mus musculus", "", "Homo sapiens     Microbiota", None]) == [
        "Mus musculus",
        "Homo sapiens",
        "Microbiota",
    ]
    assert labels("") == labels(None) == labels([]) == labels({"a": "b"}) == []


def test_fewer_spaces_separate_words() -> None:
    """Four spaces are a slip of the pen within one text."""
    assert labels("ionizing    radiation") == ["ionizing radiation"]


def test_comma_separated_identifiers_are_split_where_asked() -> None:
    """A separator splits what the five spaces left whole."""
    assert labels("RR-1, RR-3,", separator=",") == ["RR-1", "RR-3"]
    assert labels("Bone, marrow") == ["Bone, marrow"]


def test_markup_goes_and_the_length_is_bounded() -> None:
    """Tags and entities are gone, white space is folded, and long texts are cut."""
    link = '<a target="_blank" href="http://x" title="mouse">Mus &amp; musculus </a>'
    assert text(link) == "Mus & musculus"
    assert text("<script>alert(1)</script>") is None
    assert text("x" * 10_000, 100) == "x" * 100
    assert len(labels([f"label {number}" for number in range(1_000)])) == 100


def test_numbers_are_texts_and_truth_values_are_not() -> None:
    """A number is shown as it stands; true and objects say nothing."""
    assert text(42) == "42"
    assert text(["a", "b     c"]) == "a; b; c"
    assert text(True) is None  # noqa: FBT003 - the value under test
    assert text({"a": 1}) is None


def test_a_text_is_whole_in_whatever_form_it_comes() -> None:
    """Its limit is that of the whole, and what is said twice stays where it was said."""
    assert (
        text("Spaceflight     Ground") == text(["Spaceflight", "Ground"]) == "Spaceflight; Ground"
    )
    assert text(["x" * 400, "", "y" * 400, "x" * 400], 1_000) == "; ".join(
        ["x" * 400, "y" * 400, "x" * 196]
    )


def test_prose_is_whole_and_may_be_indented() -> None:
    """A description in a list is as long as one outside, and gaps in it part no values."""
    description = " ".join(f"Sentence number {number}." for number in range(200))
    assert prose(description, 20_000) == prose([description], 20_000) == description
    assert prose("First.\n     Second.", 100) == "First. Second."
    assert prose(["First.", "", "Second."], 100) == "First.; Second."


def test_items_keep_empty_places() -> None:
    """Lists that belong together by their order must not close up."""
    assert items(["a", "", None, "b"]) == ["a", "", None, "b"]
    assert items("a     b") == ["a", "b"]
    assert items(7) == [7]


def test_keys_of_both_apis_fall_together() -> None:
    """Title Case and odd spaces do not matter; what says something goes first."""
    said = folded({"Study  Title": "", "study title": "Flies", "STUDY TITLE": "Mice"})
    assert said == {"study title": "Flies"}


def test_what_is_left_out_stays_as_it_was() -> None:
    """A new value replaces, an empty one does not."""
    old = {"organism": "Fly", "mission": {"name": "STS-121"}, "title": "Flies"}
    new = {"organism": "Mouse", "mission": {"name": ""}, "links": ["a"]}
    assert completed(new, old) == {
        "organism": "Mouse",
        "mission": {"name": "STS-121"},
        "title": "Flies",
        "links": ["a"],
    }


def test_emptiness_is_recognised_in_every_shape() -> None:
    """Ground studies carry empty texts inside of objects and lists."""
    assert is_empty({"name": "", "start date": ["", " "], "end date": None})
    assert not is_empty({"name": "STS-121"})
    assert not is_empty(0)
