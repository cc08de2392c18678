"""A function of a Python transform, for the examples of pages."""


def sold(orders):  # type: ignore[no-untyped-def]
    return orders[["customer", "amount", "items"]]
