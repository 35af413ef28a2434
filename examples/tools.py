"""Functions of yours that the model can call."""

from typing import Annotated, Literal

import anyio
from msgspec import Meta

import codex_runtime as cr

STOCK = {"tea": 12, "coffee": 0}
MANY = 50


@cr.tool
def stock(product: str) -> int:
    """Look up how many pieces of a product are in stock."""
    if product not in STOCK:
        raise cr.ToolError(f"no such product; there are: {', '.join(STOCK)}")
    return STOCK[product]


@cr.tool(needs_approval=lambda wanted: wanted["pieces"] > MANY)
async def order(
    product: str,
    pieces: Annotated[int, Meta(ge=1)],
    speed: Literal["slow", "fast"] = "slow",
) -> dict[str, str | int]:
    """Order a product.

    Args:
        product: Its name.
        pieces: How many.
        speed: How fast it has to come.
    """
    print(f"order: {pieces} {product}, {speed}")
    return {"ordered": product, "pieces": pieces}


async def main() -> None:
    async with cr.Runtime(tools=[stock, order]) as runtime:
        thread = await runtime.thread_start()
        result = await thread.run("Order what is out of stock.")
        print(result.text)


anyio.run(main)
