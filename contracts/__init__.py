"""The language of the house: what every room says to every other, and nothing that does I/O.

Pure: standard library and msgspec only. Each module holds one idea:

    identifiers   job ids, event ids            formats      what a header says of a picture
    variants      what may be asked for         presets      named sets of variants
    limits        numbers, each with a unit     errors       three families of failure
    job           the document                  events       what was seen or wanted
    lifecycle     step(): the only change       debts        what a job owes, and when
    planning      which variants go together    messages     what travels on queues
    places        object keys                   environment  each process's settings
    ports         what adapters must offer
"""
