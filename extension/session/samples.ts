import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A model that ships with the product, and what it answers. */
export interface Sample {
  readonly file: string;
  readonly question: string;
  readonly target?: string;
  readonly dims?: Readonly<Record<string, number>>;
}

/** @param folder where samples.json lies */
export function readSamples(folder: string): readonly Sample[] {
  return JSON.parse(readFileSync(join(folder, 'samples.json'), 'utf8')) as readonly Sample[];
}
