"""Addenda records (type 7): payment information, terminals, IAT parties, returns and corrections.

They know nothing of the entry they follow.
"""

from __future__ import annotations

from opencif.nacha.codes import CONTESTED, DISHONORED
from opencif.nacha.fields import OptionalNumber, Record, Text


class Addenda(Record):
    """Record 7. This base serves addenda of unknown type; the known ones have classes below."""

    __slots__ = ()
    kind = b"7"
    addenda_type = Text(2, 3)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} type=7{self.addenda_type} line={self.line}>"


class PaymentAddenda(Addenda):
    """Addenda 05: payment related information."""

    __slots__ = ()
    addenda_type = Text(2, 3, "05")
    information = Text(4, 83)
    sequence = OptionalNumber(84, 87)
    entry_sequence = OptionalNumber(88, 94)


class TerminalAddenda(Addenda):
    """Addenda 02 of POS, SHR and MTE: where and when a card or cash terminal was used."""

    __slots__ = ()
    addenda_type = Text(2, 3, "02")
    reference = Text(4, 10)
    second_reference = Text(11, 13)
    terminal_id = Text(14, 19)
    terminal_serial = Text(20, 25)
    transaction_date = Text(26, 29)
    authorization = Text(30, 35)
    location = Text(36, 62)
    city = Text(63, 77)
    state = Text(78, 79)
    trace_number = Text(80, 94)


class IatReceiverName(Addenda):
    """Addenda 10: type of payment, foreign amount in minor units, the receiver's name."""

    __slots__ = ()
    addenda_type = Text(2, 3, "10")
    transaction_type = Text(4, 6)
    foreign_amount = OptionalNumber(7, 24)
    foreign_trace = Text(25, 46)
    receiver_name = Text(47, 81)
    entry_sequence = OptionalNumber(88, 94)


class IatOriginatorName(Addenda):
    """Addenda 11: the originator's name and street."""

    __slots__ = ()
    addenda_type = Text(2, 3, "11")
    originator_name = Text(4, 38)
    originator_street = Text(39, 73)
    entry_sequence = OptionalNumber(88, 94)


class IatOriginatorCity(Addenda):
    r"""Addenda 12: `CITY*STATE\` and `COUNTRY*POSTCODE\` of the originator."""

    __slots__ = ()
    addenda_type = Text(2, 3, "12")
    city_state = Text(4, 38)
    country_postal_code = Text(39, 73)
    entry_sequence = OptionalNumber(88, 94)


class IatBank(Addenda):
    """The columns that addenda 13, 14 and 18 share: a bank, how it is numbered, where it is."""

    __slots__ = ()
    bank_name = Text(4, 38)
    id_qualifier = Text(39, 40, "01")
    bank_id = Text(41, 74)
    branch_country = Text(75, 77)
    entry_sequence = OptionalNumber(88, 94)


class IatOriginatingBank(IatBank):
    """Addenda 13."""

    __slots__ = ()
    addenda_type = Text(2, 3, "13")


class IatReceivingBank(IatBank):
    """Addenda 14."""

    __slots__ = ()
    addenda_type = Text(2, 3, "14")


class IatReceiverStreet(Addenda):
    """Addenda 15: the receiver's identification and street."""

    __slots__ = ()
    addenda_type = Text(2, 3, "15")
    receiver_id = Text(4, 18)
    receiver_street = Text(19, 53)
    entry_sequence = OptionalNumber(88, 94)


class IatReceiverCity(Addenda):
    r"""Addenda 16: `CITY*STATE\` and `COUNTRY*POSTCODE\` of the receiver."""

    __slots__ = ()
    addenda_type = Text(2, 3, "16")
    city_state = Text(4, 38)
    country_postal_code = Text(39, 73)
    entry_sequence = OptionalNumber(88, 94)


class IatRemittance(Addenda):
    """Addenda 17, at most two."""

    __slots__ = ()
    addenda_type = Text(2, 3, "17")
    information = Text(4, 83)
    sequence = OptionalNumber(84, 87)
    entry_sequence = OptionalNumber(88, 94)


class IatCorrespondentBank(IatBank):
    """Addenda 18, at most five."""

    __slots__ = ()
    addenda_type = Text(2, 3, "18")
    sequence = OptionalNumber(84, 87)


class ChangeAddenda(Addenda):
    """Addenda 98: a notification of change. Corrected data stands in fixed columns per code."""

    __slots__ = ()
    addenda_type = Text(2, 3, "98")
    change_code = Text(4, 6)
    original_trace = Text(7, 21)
    original_rdfi = Text(28, 35)
    corrected_data = Text(36, 64)
    trace_number = Text(80, 94)


class RefusedChangeAddenda(Addenda):
    """Addenda 98 with a code C61 to C69: the ODFI refuses a notification of change."""

    __slots__ = ()
    addenda_type = Text(2, 3, "98")
    refused_code = Text(4, 6)
    original_trace = Text(7, 21)
    original_rdfi = Text(28, 35)
    corrected_data = Text(36, 64)
    change_code = Text(65, 67)
    trace_sequence = Text(68, 74)
    trace_number = Text(80, 94)


class ReturnAddenda(Addenda):
    """Addenda 99: why an entry comes back. Date of death (YYMMDD) with R14 and R15 only."""

    __slots__ = ()
    addenda_type = Text(2, 3, "99")
    return_code = Text(4, 6)
    original_trace = Text(7, 21)
    date_of_death = Text(22, 27)
    original_rdfi = Text(28, 35)
    information = Text(36, 79)
    trace_number = Text(80, 94)


class IatReturnAddenda(ReturnAddenda):
    """Addenda 99 of an IAT entry: the original amount in cents stands before the information."""

    __slots__ = ()
    original_amount = OptionalNumber(36, 45)
    information = Text(46, 79)


class DishonoredReturnAddenda(Addenda):
    """Addenda 99 with a dishonour code (R61, R62, R67 to R70)."""

    __slots__ = ()
    addenda_type = Text(2, 3, "99")
    dishonored_code = Text(4, 6)
    original_trace = Text(7, 21)
    original_rdfi = Text(28, 35)
    return_trace = Text(39, 53)
    return_settlement_date = Text(54, 56)
    return_code = Text(57, 58)
    information = Text(59, 79)
    trace_number = Text(80, 94)


class ContestedReturnAddenda(Addenda):
    """Addenda 99 with a code R71 to R77: the RDFI contests a dishonoured return."""

    __slots__ = ()
    addenda_type = Text(2, 3, "99")
    contested_code = Text(4, 6)
    original_trace = Text(7, 21)
    date_returned = Text(22, 27)
    original_rdfi = Text(28, 35)
    original_settlement_date = Text(36, 38)
    return_trace = Text(39, 53)
    return_settlement_date = Text(54, 56)
    return_code = Text(57, 58)
    dishonored_trace = Text(59, 73)
    dishonored_settlement_date = Text(74, 76)
    dishonored_code = Text(77, 78)
    trace_number = Text(80, 94)


_BY_TYPE: dict[bytes, type[Addenda]] = {
    b"02": TerminalAddenda,
    b"05": PaymentAddenda,
    b"10": IatReceiverName,
    b"11": IatOriginatorName,
    b"12": IatOriginatorCity,
    b"13": IatOriginatingBank,
    b"14": IatReceivingBank,
    b"15": IatReceiverStreet,
    b"16": IatReceiverCity,
    b"17": IatRemittance,
    b"18": IatCorrespondentBank,
}


def addenda_class(raw: bytes, is_iat: bool) -> type[Addenda]:
    """The view that fits a record 7, from its type and, for 98 and 99, its reason code."""
    kind, code = raw[1:3], raw[3:6].decode("latin-1")
    if kind == b"99":
        if code in DISHONORED:
            return DishonoredReturnAddenda
        if code in CONTESTED:
            return ContestedReturnAddenda
        return IatReturnAddenda if is_iat else ReturnAddenda
    if kind == b"98":
        return RefusedChangeAddenda if code.startswith("C6") else ChangeAddenda
    return _BY_TYPE.get(kind, Addenda)
