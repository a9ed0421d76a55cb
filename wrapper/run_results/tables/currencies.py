"""The currencies that an amount can be in: the codes of ISO 4217, and the signs that people write for them."""

from typing import Final

_CODES: Final = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CLF
CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF
IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT
MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD
SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS
VED VES VND VUV WST XAD XAF XAG XAU XBA XBB XBC XBD XCD XCG XDR XOF XPD XPF XPT XSU XUA YER ZAR ZMW ZWG
"""
"""Those of the list of January 2026, without XXX (no currency) and XTS (tests)."""
_WITHDRAWN: Final = """
ADP AFA ANG ATS AZM BEF BGL BGN BYB BYR CSD CUC CYP DEM EEK ESP FIM FRF GHC GRD HRK IEP ITL LTL LUF LVL MGF MRO MTL MZM
NLG PTE ROL RUR SDD SIT SKK SLL SRG STD TMM TRL VEB VEF YUM ZMK ZWL
"""
"""Those that ended after 1995: old paper is scanned, too."""

_DOLLARS: Final = "USD AUD BBD BMD BND BSD BZD CAD FJD GYD HKD JMD KYD LRD NAD NZD SBD SGD SRD TTD TWD XCD"
_PESOS: Final = "ARS CLP COP CUP DOP MXN UYU"
_SIGNS: Final = {
    "$": f"{_DOLLARS} {_PESOS} BRL NIO TOP WST", "＄": f"{_DOLLARS} {_PESOS}",
    "US$": "USD", "U$S": "USD", "A$": "AUD", "AU$": "AUD", "C$": "CAD NIO", "CA$": "CAD", "CAD$": "CAD", "HK$": "HKD",
    "NZ$": "NZD", "S$": "SGD", "SG$": "SGD", "NT$": "TWD", "R$": "BRL", "MX$": "MXN", "Mex$": "MXN", "AR$": "ARS",
    "CLP$": "CLP", "COL$": "COP", "RD$": "DOP", "$U": "UYU", "J$": "JMD", "TT$": "TTD", "EC$": "XCD", "Bs": "BOB VES",
    "€": "EUR", "£": "GBP EGP FKP GIP SHP SSP SYP LBP", "￡": "GBP", "E£": "EGP", "£E": "EGP",
    "¥": "JPY CNY", "￥": "JPY CNY", "JP¥": "JPY", "CN¥": "CNY", "円": "JPY", "元": "CNY TWD HKD",
    "₹": "INR", "Rs": "INR PKR LKR NPR MUR SCR", "Rs.": "INR PKR LKR NPR MUR SCR", "৳": "BDT",
    "₩": "KRW KPW", "￦": "KRW", "원": "KRW", "₫": "VND", "₱": "PHP", "฿": "THB", "RM": "MYR", "Rp": "IDR", "₭": "LAK",
    "៛": "KHR", "₮": "MNT", "₽": "RUB BYN", "руб": "RUB", "руб.": "RUB", "₴": "UAH", "грн": "UAH", "₸": "KZT",
    "₼": "AZN", "₾": "GEL", "֏": "AMD", "₺": "TRY", "TL": "TRY", "₪": "ILS", "₦": "NGN", "₵": "GHS", "GH₵": "GHS",
    "₡": "CRC", "₲": "PYG", "S/": "PEN", "S/.": "PEN", "zł": "PLN", "Kč": "CZK", "Ft": "HUF", "lei": "RON", "лв": "BGN",
    "лв.": "BGN", "kr": "DKK ISK NOK SEK", "kr.": "DKK ISK NOK SEK", "Fr": "CHF", "Fr.": "CHF", "SFr": "CHF",
    "SFr.": "CHF", "DM": "DEM", "FCFA": "XAF XOF",
}  # fmt: skip

CODES: Final = frozenset(f"{_CODES} {_WITHDRAWN}".split())
"""The codes of ISO 4217."""
SIGNS: Final[dict[str, frozenset[str]]] = {sign: frozenset(codes.split()) for sign, codes in _SIGNS.items()}
"""The codes that each sign may stand for."""


def codes_of(text: str) -> frozenset[str]:
    """The currencies that a sign or a code stands for; none where it is neither.

    >>> codes_of("EUR"), sorted(codes_of("Kč")), codes_of("VAT")
    (frozenset({'EUR'}), ['CZK'], frozenset())
    """
    return frozenset([text]) if text in CODES else SIGNS.get(text, frozenset())
