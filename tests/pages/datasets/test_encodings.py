"""Encodings are detected from few short lines, and doubts offer another one."""

import pytest

from pages.datasets import readers
from pages.datasets.readers import ENCODINGS, Format
from pages.datasets.readers.encodings import encoding_of

TEXTS = {
    "gb18030": "城市,人口\n北京,2154\n上海,2424\n广州,1404\n",
    "big5": "城市,人口\n臺北,2154\n高雄,2424\n臺中,1404\n",
    "cp932": "都市,人口\n東京,2154\n大阪,2424\nさいたま,1404\n",
    "cp949": "도시,인구\n서울,2154\n부산,2424\n대구,1404\n",
    "cp1251": "Город,Население\nМосква,12\nКазань,3\nПермь,1\n",
    "koi8_r": "Город,Население\nМосква,12\nКазань,3\nПермь,1\n",
    "cp1250": "město,počet\nPlzeň,12\nŽilina,3\nŁódź,5\n",
    "iso8859_2": "město,počet\nPlzeň,12\nŽilina,3\nŁódź,5\n",
    "cp1253": "Πόλη,Πληθυσμός\nΑθήνα,12\nΘεσσαλονίκη,3\nΠάτρα,5\n",
    "mac_roman": "ville,année\nNîmes,12\nOrléans,3\nBesançon,5\n",
    "cp850": "Stadt,Größe\nMünchen,12\nKöln,3\nDüsseldorf,5\n",
}
WESTERN = {
    "German": "Stadt,Größe\nMünchen,12\nKöln,3\nDüsseldorf,5\n",
    "French": "ville,prix (€)\nNîmes,12\nOrléans,3\nŒuilly,5\n",
    "Spanish": "ciudad,¿año?\nCórdoba,12\nA Coruña,3\nCádiz,5\n",
    "Danish": "by,størrelse\nAarhus,12\nKøbenhavn,3\nRødovre,5\n",
    "Icelandic": "bær,stærð\nReykjavík,12\nÞingvellir,3\nSeyðisfjörður,5\n",
    "one letter": "a,b\nx,1\ny,2\né,3\n",
    "a non-breaking space": "a;b\nx;1\u00a0234\ny;2\u00a0345\n",
}


@pytest.mark.parametrize("encoding", TEXTS)
def test_the_encoding_of_four_short_lines_is_detected(encoding):
    content = TEXTS[encoding].encode(encoding)
    assert encoding_of(content) == encoding
    reading = readers.read(content, "t.csv")
    lines = [line.split(",") for line in TEXTS[encoding].splitlines()]
    assert list(reading.table) == lines[0]
    assert list(reading.table.iloc[:, 0]) == [line[0] for line in lines[1:]]
    assert reading.format.encoding == encoding


@pytest.mark.parametrize("language", WESTERN)
def test_western_languages_in_windows_1252_are_detected(language):
    assert encoding_of(WESTERN[language].encode("cp1252")) == "latin-1"


@pytest.mark.parametrize(
    ("word", "encodings"),
    [
        ("Größe", ("cp1252", "mac_roman", "cp850")),
        ("Übergröße", ("cp1252", "mac_roman")),
        ("żółw Łódź", ("cp1250", "iso8859_2")),
        ("příjmení žena", ("cp1250",)),
        ("créée naïve", ("cp1252", "mac_roman")),
        ("カタカナ データ", ("cp932", "euc_jp")),
        ("トヨタ ホンダ", ("cp932",)),
        ("北海道 鹿児島", ("cp932", "euc_jp")),
        ("臺北 高雄 姓名", ("big5",)),
        ("서울 부산 이름", ("cp949",)),
        ("Москва Омск", ("cp1251", "cp866")),
    ],
)
def test_a_single_word_decides_if_its_letters_are_plausible_in_one_encoding(word, encodings):
    for encoding in encodings:
        reading = readers.read(f"a;b\n{word};1,5\nx;2,5\ny;3\n".encode(encoding), "t.csv")
        assert reading.table["a"].iloc[0] == word


@pytest.mark.parametrize("unit", ["µm", "€", "m²", "°C", "±"])
def test_a_unit_in_windows_1252_is_detected(unit):
    assert encoding_of(f"name;v {unit}\nx;1,5\ny;2,5\n".encode("cp1252")) == "latin-1"


def test_turkish_in_windows_1254_is_detected():
    assert encoding_of("şehir,nüfus\nİstanbul,12\nMuğla,3\nŞırnak,5\n".encode("cp1254")) == "cp1254"


def test_a_doubt_offers_another_encoding_in_which_the_text_is_different():
    content = "都市,人口\n東京,2154\n大阪,2424\n名古屋,1404\n".encode("euc_jp")
    reading = readers.read(content, "t.csv")
    doubt = next(doubt for doubt in reading.doubts if doubt.changes[0][0] == "encoding")
    assert doubt.alternative == ENCODINGS[doubt.changes[0][1]]
    assert reading.format.encoding == "euc_jp" != doubt.changes[0][1]
    for text in (TEXTS["cp1250"].encode("cp1250"), WESTERN["German"].encode("cp1252"), TEXTS["cp949"].encode()):
        assert not any(doubt.changes[0][0] == "encoding" for doubt in readers.read(text, "t.csv").doubts)


def test_a_stray_byte_in_utf_8_is_read_as_windows_1252_and_reported():
    content = "Stadt,Größe\nKöln,3\nDüsseldorf,5\nFürth,2\n".encode() + b"M\xfcnchen,12\n"
    for format in (None, Format("text", encoding="utf-8", separator=",")):
        reading = readers.read(content, "t.csv", format)
        assert reading.format.encoding == "utf-8"
        assert list(reading.table.iloc[:, 0]) == ["Köln", "Düsseldorf", "Fürth", "München"]
        assert reading.notes == ("Some bytes are not UTF-8 and were read as Windows-1252 (first: “München,12”).",)


@pytest.mark.parametrize("words", [["Zürich", "Genève"], ["Łódź"], ["Москва", "Омск"], ["北京"], ["Übung"]])
def test_one_stray_byte_does_not_garble_a_short_text_in_utf_8(words):
    content = "name,x\n" + "".join(f"{word},{i}\n" for i, word in enumerate(words))
    assert list(readers.read(content.encode() + b"B\xe9rn,3\nBasel,4\n", "t.csv").table["name"]) == [*words, "Bérn", "Basel"]


def test_an_invalid_byte_far_below_ascii_text_is_found():
    content = b"a,b\n" + b"x,1\n" * 300_000 + b"caf\xe9,2\n"
    assert encoding_of(content) == "latin-1"
    assert readers.read(content, "t.csv").table["a"].iloc[-1] == "café"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_ctrl_z_at_the_end_is_removed(encoding):
    for end in ("\x1a", "\x1a\r\n", "\x1a\x1a"):
        table = readers.read(f"a,é\n1,2\n3,4\n{end}".encode(encoding), "t.csv").table
        assert list(table["a"]) == [1, 3]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_each_encoding_can_be_chosen(encoding):
    content = "a,b\nx,1\ny,2\n".encode({"latin-1": "cp1252"}.get(encoding, encoding))
    reading = readers.read(content, "t.csv", Format("text", encoding=encoding, separator=","))
    assert list(reading.table["a"]) == ["x", "y"]
