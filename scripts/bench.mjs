// npm run bench -- NAME [--json FILE]: runs test/bench/NAME.bench.ts.
import { spawnSync } from 'node:child_process';

const [name, ...rest] = process.argv.slice(2);
process.exit(spawnSync(process.execPath, ['--import', 'tsx', `test/bench/${name}.bench.ts`, ...rest], { stdio: 'inherit' }).status ?? 1);
