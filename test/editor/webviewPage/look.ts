/** Pictures of a webview for a person to look at: node --import tsx test/editor/webviewPage/look.ts MODEL|grammar|residual:N OUTDIR [entry] [themes] [WxH] [STEP …] */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { WebviewBrowser, type Theme } from './page.ts';
import { generate, generateResults, type GeneratorKind } from '../../bench/generators.ts';
import { DrawnHost } from './drawnHost.ts';
import { grammar } from './grammar.ts';
import { STATES } from './states.ts';
import { StudyHost } from './studyHost.ts';

/** `key:F8`, `click:x,y`, `move:x,y`, `dblclick:x,y`, `type:text`, `wait:ms`, `shot:name`, `sel:CSS selector to click`. */
async function main([model, out, entry = 'main', themes = 'dark', size = '1600x900', ...steps]: string[]): Promise<void> {
  mkdirSync(out!, { recursive: true });
  const [width, height] = size.split('x').map(Number) as [number, number];
  const host = await hostOf(model!), browser = await WebviewBrowser.start(process.env['DIST'] ?? 'dist');
  try {
    for (const theme of themes.split(',') as Theme[]) {
      const page = await browser.open(host, entry as 'main', theme, { width, height }, line => console.log(`[${theme}] ${line.slice(0, 600)}`));
      await page.waitForTimeout(1200);
      for (const step of [...steps, 'shot:end']) {
        const [verb, rest = ''] = [step.slice(0, step.indexOf(':')), step.slice(step.indexOf(':') + 1)], [x, y] = rest.split(',').map(Number) as [number, number];
        if (verb === 'key') await page.keyboard.press(rest);
        else if (verb === 'type') await page.keyboard.type(rest);
        else if (verb === 'click') await page.mouse.click(x, y);
        else if (verb === 'dblclick') await page.mouse.dblclick(x, y);
        else if (verb === 'move') await page.mouse.move(x, y, { steps: 4 });
        else if (verb === 'sel') await page.locator(rest).first().click();
        else if (verb === 'wait') await page.waitForTimeout(Number(rest));
        else if (verb === 'shot') { await page.waitForTimeout(250); await page.screenshot({ path: join(out!, `${theme}-${rest}.png`) }); }
      }
      await page.close();
    }
  } finally { await browser.close(); if (host instanceof StudyHost) host.dispose(); }
}

/** `grammar`, `grammar:removed`, `state:restricted`, `drawn:restricted` (above a drawing), `residual:10000` (as the generators of the benchmark name them), or a model's path. */
async function hostOf(name: string): Promise<StudyHost | DrawnHost> {
  if (name.startsWith('grammar')) return new DrawnHost(grammar({ stopRemoved: name.endsWith('removed') }));
  const state = STATES.find(([s]) => name === `state:${s.kind}` || name === `drawn:${s.kind}`)?.[0];
  if (state) return new DrawnHost({ ...(name.startsWith('drawn') && grammar()), state });
  const made = /^(residual|transformer|training):(\d+)$/.exec(name);
  if (made) {
    const { graph, target } = generate(made[1] as GeneratorKind, Number(made[2]));
    return new DrawnHost({ graph, results: generateResults(graph, target) });
  }
  const host = new StudyHost(name);
  await host.study.load();
  await host.study.run();
  return host;
}

main(process.argv.slice(2)).then(() => process.exit(0), (error: Error) => { console.error(error.stack?.slice(0, 1500)); process.exit(1); });
