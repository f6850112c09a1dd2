// Says whether VS Code can be tested here; installs what it takes. One line on standard output and exit code 1 if not.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium as playwright } from 'playwright-core';
import { startCodeServer } from './codeServer.ts';
import { CHROMIUM_ARGS, chromium, codeServerPrograms, programsFolder, ToolMissing } from './tools.ts';

/** Starts each program once, because an installation that is there may still be broken. */
async function ready(): Promise<void> {
  const executablePath = chromium();
  codeServerPrograms();
  const browser = await playwright.launch({ executablePath, args: CHROMIUM_ARGS })
    .catch((error: Error) => { throw new ToolMissing(`${executablePath} does not start: ${error.message.split('\n')[0]}`); });
  const dir = mkdtempSync(join(tmpdir(), 'adj-'));
  try {
    const server = await startCodeServer({ dir }).catch((error: Error) => { throw new ToolMissing(`code-server does not start (remove ${programsFolder()} and try again): ${error.message.split('\n').at(-1)}`); });
    await server.stop();
  } finally {
    await browser.close();
    rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 500 });
  }
}

void ready().catch((error: Error) => {
  console.log(error instanceof ToolMissing ? error.message : error.stack);
  process.exitCode = 1;
});
