import type { Graph, Node } from '../../kernels/graph/graph.ts';
import type { Role } from '../../kernels/findings/roles.ts';
import type { DrawingGraph, EdgeReport, GradientReport, Mark, ValueReport } from '../protocol.ts';
import { drawingOf, type DrawingIndex } from './drawing.ts';
import type { GradientSession } from './session.ts';

/** A session's graph as it is drawn: with every type that follows from the file, and where its parts are found by index and by name. */
export interface DrawnModel {
  readonly session: GradientSession;
  readonly graph: Graph;
  readonly roles: ReadonlyMap<string, Role>;
  readonly drawing: DrawingGraph;
  readonly index: DrawingIndex;
  /** Nodes in the order of the drawing. */
  readonly nodes: readonly Node[];
}

export function drawModel(session: GradientSession, title: string): DrawnModel {
  const types = new Map(session.typed.types);
  for (const [name, type] of session.graph.types) if (!types.has(name)) types.set(name, type);
  const graph: Graph = { ...session.graph, types }, { roles } = session, { drawing, index } = drawingOf(graph, roles, title);
  const byName = new Map(graph.nodes.map(n => [n.name, n]));
  return { session, graph, roles, drawing, index, nodes: Array.from(drawing.nodes.name, at => byName.get(drawing.strings[at]!)!) };
}

export const valueName = ({ strings, values }: DrawingGraph, value: number): string => strings[values.name[value] ?? -1] ?? '';
export const nodeName = ({ strings, nodes }: DrawingGraph, node: number): string => strings[nodes.name[node] ?? -1] ?? '';

/** A report's entries by name. */
export class ReportIndex {
  readonly values = new Map<string, ValueReport>();
  readonly uses = new Map<string, EdgeReport[]>();
  readonly marks = new Map<string, Mark>();

  constructor(readonly report: GradientReport) {
    for (const v of report.values) this.values.set(v.name, v);
    for (const e of report.edges) {
      const list = this.uses.get(e.value);
      if (list) list.push(e);
      else this.uses.set(e.value, [e]);
    }
    for (const m of report.marks) if (!this.marks.has(m.node)) this.marks.set(m.node, m);
  }
}
