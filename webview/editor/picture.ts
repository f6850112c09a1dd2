/** The whole drawing as a picture. */
import { paint } from '../drawing/paint.ts';
import type { Editor } from './app.ts';

const MARGIN = 22, MOST_SIDE = 16_000, MOST_PIXELS = 120e6;

export async function savePicture(editor: Editor, form: 'svg' | 'png'): Promise<void> {
  const scene = editor.scene(), { index, boxOf } = editor.canvas;
  if (!scene || !index) return;
  const width = scene.layout.width + 2 * MARGIN, height = scene.layout.height + 2 * MARGIN;
  const k = Math.min(2, MOST_SIDE / Math.max(width, height), Math.sqrt(MOST_PIXELS / (width * height))), canvas = new OffscreenCanvas(Math.ceil(width * k), Math.ceil(height * k));
  paint(canvas.getContext('2d') as unknown as CanvasRenderingContext2D, scene, index, { x: MARGIN, y: MARGIN, k: 1 }, { width, height, ratio: k, words: true, boxOf });
  const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: 'image/png' })).arrayBuffer());
  let data = '';
  for (let i = 0; i < bytes.length; i += 0x8000) data += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  editor.rpc.port.post({ type: 'save', name: `${scene.model.graph.title}.${form}`, encoding: 'base64', data: btoa(data) });
}
