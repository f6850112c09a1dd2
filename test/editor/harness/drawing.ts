/** A drawing in a window, by what a person sees and a screen reader hears. The one place that knows the webview's DOM. */
import type { Frame, Locator } from 'playwright-core';
import type { Workbench } from './workbench.ts';

const CANVAS = 'canvas.drawing';

export class Drawing {
  private constructor(private readonly workbench: Workbench, readonly frame: Frame) {}

  /** The drawing in view, once its boxes are placed. */
  static async shown(workbench: Workbench, timeout = 120_000): Promise<Drawing> {
    const frame = await workbench.webview(CANVAS, timeout), drawing = new Drawing(workbench, frame);
    await frame.waitForFunction(() => /boxes shown/.test(document.querySelector('canvas.drawing')?.getAttribute('aria-label') ?? ''), undefined, { timeout });
    return drawing;
  }

  get canvas(): Locator { return this.frame.locator(CANVAS); }
  get inspector(): Locator { return this.frame.locator('aside.insp').last(); }
  get card(): Locator { return this.frame.locator('.card:not([hidden])'); }
  get strip(): Locator { return this.frame.locator('.strip'); }

  /** Title, how many boxes, what is selected. */
  async label(): Promise<string> { return (await this.canvas.getAttribute('aria-label'))!; }

  /** What a screen reader was told last, once it matches. */
  async said(what: RegExp, timeout = 120_000): Promise<string> {
    await this.frame.waitForFunction(([source]) => new RegExp(source!).test(document.querySelector('[role=status][aria-live]')?.textContent ?? ''), [what.source], { timeout });
    return (await this.frame.locator('[role=status][aria-live]').first().textContent())!;
  }

  /** Waits until gradients are there. */
  async coloured(timeout = 120_000): Promise<void> { await this.said(/\d gradients?\./, timeout); }

  /** Presses keys with the drawing focused; returns what is selected then. */
  async press(...keys: string[]): Promise<string> {
    await this.canvas.focus();
    for (const key of keys) await this.workbench.page.keyboard.press(key);
    return /Selected: (.*)\.$/.exec(await this.label())![1]!;
  }

  /** Where the selected node is on the page: in the middle of the drawing once the view goes to it. */
  async selectedPlace(): Promise<{ x: number; y: number }> {
    await this.press('z');
    await this.workbench.page.waitForTimeout(500);
    const { x, y, width, height } = (await this.canvas.boundingBox())!;
    return { x: x + width / 2, y: y + height / 2 };
  }
}
