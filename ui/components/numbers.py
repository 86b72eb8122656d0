"""Numbers as people read them."""


def number(value: float) -> str:
    """Write a number without a needless fraction."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,g}"


def percent(share: float) -> str:
    """Write a probability; never a certainty that is none."""
    if 0.995 <= share < 1:
        return "over 99 %"
    return "under 1 %" if 0 < share < 0.005 else f"{share:.0%}".replace("%", " %")
