import { reducedMotion } from '../ui/tokens.ts';

/** Where the drawing's origin is on the screen, and the scale. */
export interface View { readonly x: number; readonly y: number; readonly k: number }

export interface Box { readonly x: number; readonly y: number; readonly w: number; readonly h: number }

export const ZOOM = { min: 0.01, max: 4 } as const;

export function clampZoom(k: number): number { return Math.max(ZOOM.min, Math.min(ZOOM.max, k)); }

/** Zoom by a factor with the point (px, py) of the screen held still. */
export function zoomAt(view: View, factor: number, px: number, py: number): View {
  const k = clampZoom(view.k * factor), f = k / view.k;
  return { k, x: px - (px - view.x) * f, y: py - (py - view.y) * f };
}

/** The whole rectangle, centred, never larger than `most`. */
export function fitTo(box: Box, width: number, height: number, most = 1, margin = 22): View {
  const k = clampZoom(Math.min(most, (width - 2 * margin) / Math.max(1, box.w), (height - 2 * margin) / Math.max(1, box.h)));
  return { k, x: (width - box.w * k) / 2 - box.x * k, y: (height - box.h * k) / 2 - box.y * k };
}

/** The rectangle in the middle of the window at the present scale. */
export function centreOn(box: Box, view: View, width: number, height: number): View {
  return { k: view.k, x: width / 2 - (box.x + box.w / 2) * view.k, y: height / 2 - (box.y + box.h / 2) * view.k };
}

/** The least move that brings the rectangle into the window with a margin. */
export function bringIn(box: Box, view: View, width: number, height: number, margin = 40): View {
  const x0 = box.x * view.k + view.x, y0 = box.y * view.k + view.y, x1 = x0 + box.w * view.k, y1 = y0 + box.h * view.k;
  if (x1 - x0 > width - 2 * margin || y1 - y0 > height - 2 * margin) return centreOn(box, view, width, height);
  const dx = x0 < margin ? margin - x0 : x1 > width - margin ? width - margin - x1 : 0, dy = y0 < margin ? margin - y0 : y1 > height - margin ? height - margin - y1 : 0;
  return { k: view.k, x: view.x + dx, y: view.y + dy };
}

/** 120 ms ease-out from one view to another; at once with reduced motion. Returns what stops it. */
export function glide(from: View, to: View, step: (view: View, last: boolean) => void): () => void {
  if (reducedMotion()) { step(to, true); return () => undefined; }
  const begin = performance.now();
  let frame = requestAnimationFrame(function tick(now) {
    const t = Math.min(1, (now - begin) / 120), e = 1 - (1 - t) ** 3;
    const k = from.k * (to.k / from.k) ** e, f = to.k === from.k ? e : (k - from.k) / (to.k - from.k);
    step({ k, x: from.x + (to.x - from.x) * f, y: from.y + (to.y - from.y) * f }, t === 1);
    if (t < 1) frame = requestAnimationFrame(tick);
  });
  return () => cancelAnimationFrame(frame);
}
