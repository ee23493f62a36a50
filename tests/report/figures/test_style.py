from mnist_seq.report.figures.style import standalone


def test_a_picture_by_itself_has_its_namespace() -> None:
    assert 'xmlns="http://www.w3.org/2000/svg"' in standalone("<svg></svg>")
