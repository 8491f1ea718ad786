"""Build data/openmoji_features.npz: what the shipped MobileNetV2 makes of the 1644 emoji.

    python data/make/openmoji_features.py

From data/openmoji_48.npz and data/mobilenetv2_notop.weights.h5, at side 97: 1280 numbers for each picture, in
the order of openmoji_48.npz. A feature is a mean of values that ReLU6 let through, so it lies in 0..6, and
most are small: kept is the nearest whole number to 255 sqrt(feature / 6). That takes half the bytes of half
precision. The emoji are under CC BY-SA 4.0, and so are their features: see data/README.md.
"""

import one_order  # noqa: F401  before Keras

# isort: split
import numpy as np
from npz import save

from course_utils.classroom.data import load_openmoji, mobilenetv2_weights
from course_utils.transfer import backbone


def shortened(features):
    """Features in 0..6 as uint8: `load_emoji_features` turns them back."""
    if features.min() < 0 or features.max() > 6:
        raise ValueError(f"Features lie in 0..6; got {features.min()} to {features.max()}.")
    return np.rint(255 * np.sqrt(features / 6)).astype("uint8")


def main():
    source = backbone("MobileNetV2", side=97, from_side=48, weights=mobilenetv2_weights())
    pictures = load_openmoji().pictures.astype("float32")
    features = source.predict(pictures, batch_size=64, verbose=0)
    kept = shortened(features)
    back = 6 * (kept / 255.0) ** 2
    alike = np.corrcoef(features.ravel(), back.ravel())[0, 1]
    print(f"Correlation with the features as computed: {alike:.6f}")
    save("openmoji_features.npz", {"features": kept})


if __name__ == "__main__":
    main()
