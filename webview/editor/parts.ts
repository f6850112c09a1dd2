/** What keys, menus, states and pictures see of the editor, so that they need not know how it is put together. */
import type { ViewCommand } from '../../extension/protocol.ts';
import type { DrawingCanvas, Hit } from '../drawing/canvas.ts';
import type { Scene, Target } from '../drawing/scene.ts';
import type { Box, View } from '../drawing/view.ts';
import type { Layout } from '../layout/types.ts';
import type { Rpc } from '../rpc.ts';
import type { MeasureId } from '../state/measure.ts';
import type { Model } from '../state/model.ts';
import type { FindBar } from '../ui/findBar.ts';
import type { Live } from '../ui/live.ts';
import type { Minimap } from '../ui/minimap.ts';
import type { Details } from './details.ts';
import type { Action } from './keys.ts';
import type { Search } from './search.ts';

export interface EditorParts {
  readonly rpc: Rpc;
  readonly model: Model | undefined;
  readonly layout: Layout | undefined;
  readonly canvas: DrawingCanvas;
  readonly details: Details;
  readonly minimap: Minimap;
  readonly findBar: FindBar;
  readonly search: Search;
  readonly live: Live;
  readonly history: { readonly past: View[]; readonly future: View[] };
  readonly selection: Target | undefined;
  /** Value that the inspector speaks of instead of the selected node, or −1. */
  readonly value: number;
  readonly measureId: MeasureId;
  readonly expanded: Set<number>;
  direction: 'down' | 'right';
  hideOff: boolean;
  inspectorShown: boolean;

  scene(): Scene | undefined;
  select(target: Target | undefined, options?: { readonly value?: number; readonly reveal?: boolean; readonly tell?: boolean }): void;
  selectValue(value: number, reveal?: boolean): void;
  toggleGroup(group: number): void;
  /** Lays out again with the present open groups; what lies at `still` stays where it is on the screen. */
  relayout(still?: Target, fresh?: boolean): void;
  fit(): void;
  goTo(view: View): void;
  placeOf(target: Target): Box | undefined;
  usesOfEdge(edge: number): number[];
  setMeasure(id: MeasureId): void;
  openFind(): void;
  closeFind(): void;
  find(query: string): void;
  findStep(by: 1 | -1): void;
  bars(): void;
  remember(): void;
  perform(action: Action): boolean;
  performView(command: ViewCommand): void;
  openContextMenu(hit: Hit, x: number, y: number): void;
}
