"""The transform function: one order in, every variant out, one answer.

    handler    Lambda's entry: settings, adapters, the message     work      one order: fetch, make, store, answer
    pipeline   the steps in their order, run on threads            pyramid   which variant is cut from which (pure)
    geometry   sizes, boxes, orientations (pure)                   steps/    what Pillow is asked to do
    levels     what variants of a size share                       finish    what is one variant's alone
    making     a variant's file, moving or still                   quality   which quality it gets
    allocator  memory that is kept between pictures

Pixels are decoded here and nowhere else in the house.
"""
