/** The whole drawing as a picture to save: SVG, or PNG at twice the size as far as a canvas reaches. */
import { paint } from '../drawing/paint.ts';
import { SvgPen } from '../drawing/svgPen.ts';
import type { EditorParts } from './parts.ts';

const MARGIN = 22, MOST_SIDE = 16_000, MOST_PIXELS = 120e6;

export async function savePicture(editor: EditorParts, form: 'svg' | 'png'): Promise<void> {
  const scene = editor.scene(), { index, boxOf } = editor.canvas;
  if (!scene || !index) return;
  const { title } = scene.model.graph, width = scene.layout.width + 2 * MARGIN, height = scene.layout.height + 2 * MARGIN, view = { x: MARGIN, y: MARGIN, k: 1 };
  const still = { ...scene, selection: undefined, hover: undefined, hits: new Map(), currentHit: -1 };
  if (form === 'svg') {
    const svg = new SvgPen();
    paint(svg.pen, still, index, view, { width, height, ratio: 1, words: true, boxOf, all: true });
    editor.rpc.port.post({ type: 'save', name: `${title}.svg`, encoding: 'utf8', data: svg.text(width, height, title, { ground: scene.tokens.bg, line: scene.tokens.none }) });
    return;
  }
  const k = Math.min(2, MOST_SIDE / Math.max(width, height), Math.sqrt(MOST_PIXELS / (width * height))), canvas = new OffscreenCanvas(Math.ceil(width * k), Math.ceil(height * k));
  paint(canvas.getContext('2d') as unknown as CanvasRenderingContext2D, still, index, view, { width, height, ratio: k, words: true, boxOf, all: true });
  if (k < 1) editor.live.say(`The picture is ${Math.round(100 * k)} % of the drawing's size. SVG has no limit.`);
  const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: 'image/png' })).arrayBuffer());
  let data = '';
  for (let i = 0; i < bytes.length; i += 0x8000) data += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  editor.rpc.port.post({ type: 'save', name: `${title}.png`, encoding: 'base64', data: btoa(data) });
}
