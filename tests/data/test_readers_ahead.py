import threading

import pytest

from data.readers.ahead import ahead


def test_results_come_in_order():
    assert list(ahead(lambda x: x * x, range(50))) == [x * x for x in range(50)]
    assert list(ahead(lambda x: x, [])) == []


def test_an_exception_comes_in_the_place_of_its_result():
    results = ahead(lambda x: 6 // x, [1, 2, 0, 3])
    assert [next(results), next(results)] == [6, 3]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_works_only_so_far_ahead():
    """What is begun while nothing is taken: one result and what each thread adds to it."""
    begun = []
    results = ahead(lambda x: begun.append(x) or x, range(100))
    assert next(results) == 0
    before = threading.active_count()
    results.close()
    assert len(begun) <= 6
    assert threading.active_count() < before
