from l9gate.evidence.log import EvidenceLog, MemoryLog, Sink
from l9gate.evidence.records import EndReason, Fault, Record, SourceEnd

FAULT = Fault(at_s=1.0, where="recorder", error_class="KeyError")
END = SourceEnd(at_s=2.0, source="suite.unit", reason=EndReason.COMPLETED)


def test_a_memory_log_gives_back_what_was_put_by_kind_and_in_order() -> None:
    log = MemoryLog([FAULT])
    sink: Sink = log
    sink.put(END)
    sink.flush()
    second = Fault(at_s=3.0, where="sink", error_class="OSError")
    sink.put(second)
    evidence: EvidenceLog = log
    assert list(evidence.of(Fault)) == [FAULT, second]
    assert list(evidence.of(SourceEnd)) == [END]
    assert list(evidence.of(Record)) == [FAULT, END, second]


def test_an_empty_log_has_no_records() -> None:
    assert list(MemoryLog().of(Fault)) == []


def test_a_log_does_not_share_the_list_it_was_made_of() -> None:
    records = [FAULT]
    log = MemoryLog(records)
    log.put(FAULT)
    assert len(records) == 1
