"""JWST images as the earlier systems' galleries show them. Pure."""

from collections.abc import Sequence

from libs.common.events import JwstImage
from services.gateway.models.images import Image
from services.gateway.models.old import Feed, FeedItem

# The path of jwstapi.com that lists all images.
EVERYTHING = "all/type/jpg"


def feed_item(image: Image | JwstImage) -> FeedItem:
    """Return an image as galleries show it."""
    instruments = [name.upper() for name in image.instruments]
    caption = [image.observation_id, f"P{image.program}", image.suffix, "/".join(instruments)]
    return FeedItem(
        url=image.image_url,
        obs=image.observation_id,
        program=str(image.program),
        suffix=image.suffix,
        inst=instruments,
        caption=" · ".join(part for part in caption if part),
        link=image.image_url,
    )


def feed_of(path: str, images: Sequence[Image | JwstImage]) -> Feed:
    """Return a page of images."""
    items = [feed_item(image) for image in images]
    return Feed(source=path, count=len(items), items=items)
