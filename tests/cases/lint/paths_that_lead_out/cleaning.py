def sould(orders):
    return orders
