/**
 * Every name that stands both here and in package.json. A unit test fails on one that is only on one side.
 */
export const COMMANDS = [
  'adjoint.runModel', 'adjoint.cancelRun', 'adjoint.chooseTarget', 'adjoint.explainGradient', 'adjoint.explainZeroGradient',
  'adjoint.addStop', 'adjoint.removeStop', 'adjoint.resetWhatIf', 'adjoint.goToSource', 'adjoint.goToNode', 'adjoint.find',
  'adjoint.nextFinding', 'adjoint.previousFinding', 'adjoint.showGradientFlow', 'adjoint.foldAll', 'adjoint.unfoldLevel', 'adjoint.fit',
  'adjoint.zoomToSelection', 'adjoint.changeDirection', 'adjoint.layOutAgain', 'adjoint.colorBy', 'adjoint.chooseInputs', 'adjoint.setDimension',
  'adjoint.chooseConventions', 'adjoint.chooseDevice', 'adjoint.savePictureSvg', 'adjoint.savePicturePng', 'adjoint.saveReport',
  'adjoint.saveGradients', 'adjoint.copyName', 'adjoint.copyJson', 'adjoint.openTextView', 'adjoint.restartRuntime', 'adjoint.showLog',
  'adjoint.openSample', 'adjoint.openModel',
] as const;
export type CommandId = (typeof COMMANDS)[number];

export const GRAPH_EDITOR = 'adjoint.graph';
/** The same editor for suffixes that are often something else: offered, not the default. */
export const GRAPH_EDITOR_OPTIONAL = 'adjoint.graphOptional';
export const FLOW_VIEW = 'adjoint.flow';
export const FLOW_CONTAINER = 'adjointPanel';
export const WALKTHROUGH = 'adjoint.whereTheGradientGoes';

export const TEXT_SCHEME = 'adjoint-graph';
export const TEXT_LANGUAGE = 'adjoint-graph';
export const TEXT_SUFFIX = '.adjointgraph';

/** Settings with the type of each. */
export interface Settings {
  'adjoint.run.automatically': boolean;
  /** Seconds; 0 = none. */
  'adjoint.run.timeout': number;
  /** 0 = ONNX Runtime's own choice. */
  'adjoint.run.threads': number;
  'adjoint.cudaFolders': string[];
  'adjoint.sourcePaths': Record<string, string>;
  'adjoint.drawing.wheel': 'pan' | 'zoom';
  'adjoint.drawing.direction': 'down' | 'right';
}
export const SETTINGS: readonly (keyof Settings)[] = [
  'adjoint.run.automatically', 'adjoint.run.timeout', 'adjoint.run.threads', 'adjoint.cudaFolders', 'adjoint.sourcePaths',
  'adjoint.drawing.wheel', 'adjoint.drawing.direction',
];

/** Context keys: true when the sentence beside them is. */
export const CONTEXT_KEYS = [
  /** A model is drawn in the active editor, or was in the last one that is still open. */
  'adjoint.drawn',
  'adjoint.canRun',
  'adjoint.running',
  /** Gradients are known. */
  'adjoint.hasReport',
  'adjoint.nodeSelected',
  'adjoint.valueSelected',
  /** The value that is selected has no gradient to show. */
  'adjoint.zeroSelected',
  'adjoint.hasSource',
  /** There is a stop that can be taken away. */
  'adjoint.hasStops',
  /** The person has put or removed a stop. */
  'adjoint.whatIf',
  'adjoint.hasInputs',
  'adjoint.hasDimensions',
  'adjoint.hasFindings',
  'adjoint.runtimeUsed',
] as const;
export type ContextKey = (typeof CONTEXT_KEYS)[number];
