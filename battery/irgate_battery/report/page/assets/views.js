/* The views: how the fixed image and the warped moving one make one picture. */

const CHECKERS_ACROSS = 10;
const TAIL = 0.995; // of the absolute differences that a scale spans: one pixel must not pale all

/**
 * Each view: its title, what it says of itself, whether a part (of 1) and a scale belong to it,
 * and `pixel(i, x, y)`, made by `of`, which writes one pixel into `out`.
 */
const VIEWS = {
  slider: {
    title: 'Slider',
    about: 'Left of the line the fixed image, right of it the moving one.',
    part: 'Divider',
    of: (scene) => mixed(scene, (x) => (x < scene.part * scene.width ? 0 : 1)),
  },
  flicker: {
    title: 'Flicker',
    about: 'One image, then the other: what jumps is not registered.',
    of: (scene) => mixed(scene, () => (scene.second ? 1 : 0)),
  },
  onion: {
    title: 'Onion skin',
    about: 'The moving image over the fixed one, as opaque as the slider says.',
    part: 'Opacity',
    of: (scene) => mixed(scene, () => scene.part),
  },
  checkers: {
    title: 'Checkerboard',
    about: 'Fixed and moving image in turns: edges must go on from square to square.',
    of: (scene) => {
      const side = Math.max(4, Math.round(Math.max(scene.width, scene.height) / CHECKERS_ACROSS));
      return mixed(scene, (x, y) => (Math.floor(x / side) + Math.floor(y / side)) % 2);
    },
  },
  difference: {
    title: 'Difference',
    about: 'moving(T(x)) - fixed(x): green where the moving image is brighter, purple where it is '
      + 'darker.',
    scaled: true,
    of: (scene) => (i, x, y, out) => {
      const t = (scene.image[i] - scene.fixed.values[i]) / scene.end;
      const [red, green, blue] = differenceColour(t);
      out.set([red, green, blue, 255], 4 * i);
    },
  },
};

/** Fixed and warped image by a weight of the latter, in grey. */
function mixed({ fixed, image, range }, weight) {
  return (i, x, y, out) => {
    const w = weight(x, y);
    const grey = (1 - w) * greyOf(fixed.values[i], range) + w * greyOf(image[i], range);
    out.set([grey, grey, grey, 255], 4 * i);
  };
}

/** The picture of a view, as pixels of the fixed image's size. */
function pictureOf(view, scene) {
  const pixels = new ImageData(scene.width, scene.height);
  const pixel = VIEWS[view].of(scene);
  for (let y = 0; y < scene.height; y += 1) {
    for (let x = 0; x < scene.width; x += 1) {
      pixel(y * scene.width + x, x, y, pixels.data);
    }
  }
  return pixels;
}

/** Whether a pixel of this view shows the moving image, where it may be outside of it. */
function showsMoving(view, scene, x) {
  if (view === 'slider') {
    return x >= scene.part * scene.width;
  }
  if (view === 'flicker') {
    return scene.second;
  }
  return true;
}

/** End of a difference's scale: nearly all of its absolute values over the valid region. */
function differenceEnd(image, fixed, valid) {
  const there = [];
  for (let i = 0; i < valid.length; i += 1) {
    if (valid[i]) {
      there.push(Math.abs(image[i] - fixed.values[i]));
    }
  }
  return Math.max(quantile(there, TAIL), 1e-9);
}
