import type { WireReader } from '../onnx/wire.ts';
import { decode } from './decode.ts';
import { readAttributeEntry, readNode, type AttributeMap, type RawNode } from './nodeDef.ts';

export interface ArgumentDef {
  readonly name: string;
  readonly type: number;
  readonly type_attr: string;
  readonly number_attr: string;
  readonly type_list_attr: string;
}
export interface OperatorDef {
  readonly name: string;
  readonly input_arg: readonly ArgumentDef[];
  readonly output_arg: readonly ArgumentDef[];
  readonly is_stateful: boolean;
}
export interface RawFunction {
  readonly signature: OperatorDef;
  readonly nodes: readonly RawNode[];
  readonly attributes: AttributeMap;
  readonly results: ReadonlyMap<string, string>;
  readonly controlResults: ReadonlyMap<string, string>;
  readonly argumentAttributes: ReadonlyMap<number, AttributeMap>;
}
export interface RawGraph {
  readonly nodes: readonly RawNode[];
  readonly functions: readonly RawFunction[];
  readonly gradients: ReadonlyMap<string, string>;
  readonly registeredGradients: ReadonlyMap<string, string>;
  /** Version of the GraphDef format that the producer wrote; 0 where not stated. */
  readonly producer: number;
  /** Where `debug_info` lies in the source. */
  readonly debugInfo?: { readonly start: number; readonly end: number };
}

/** Reads a GraphDef that ends at `end`: nodes and library, tensors by reference. */
export function readGraphDef(reader: WireReader, end: number): RawGraph {
  const nodes: RawNode[] = [], functions: RawFunction[] = [], gradients = new Map<string, string>(), registeredGradients = new Map<string, string>();
  let producer = 0, debugInfo: RawGraph['debugInfo'];
  for (let key; (key = reader.key(end)) !== 0;) {
    switch (key) {
      case 10: nodes.push(readNode(reader, reader.end(end))); break;
      case 18: {
        const stop = reader.end(end);
        for (let inner; (inner = reader.key(stop)) !== 0;) {
          if (inner === 10) functions.push(readFunction(reader, reader.end(stop)));
          else if (inner === 18) {
            const g = decode<{ function_name: string; gradient_func: string }>(reader, 'GradientDef', reader.end(stop));
            gradients.set(g.function_name, g.gradient_func);
          } else if (inner === 26) {
            const g = decode<{ gradient_func: string; registered_op_type: string }>(reader, 'RegisteredGradient', reader.end(stop));
            registeredGradients.set(g.registered_op_type, g.gradient_func);
          } else reader.skip(inner, stop);
        }
        break;
      }
      case 24: producer = Math.max(producer, reader.int()); break;
      case 34: producer = Math.max(producer, decode<{ producer: number }>(reader, 'VersionDef', reader.end(end)).producer); break;
      case 42: {
        const stop = reader.end(end);
        debugInfo = { start: reader.position, end: stop };
        reader.seek(stop);
        break;
      }
      default: reader.skip(key, end);
    }
  }
  return { nodes, functions, gradients, registeredGradients, producer, ...(debugInfo && { debugInfo }) };
}

function readFunction(reader: WireReader, end: number): RawFunction {
  let signature: OperatorDef = { name: '', input_arg: [], output_arg: [], is_stateful: false };
  const nodes: RawNode[] = [], attributes: AttributeMap = Object.create(null), argumentAttributes = new Map<number, AttributeMap>();
  const results = new Map<string, string>(), controlResults = new Map<string, string>();
  for (let key; (key = reader.key(end)) !== 0;) {
    switch (key) {
      case 10: signature = decode<OperatorDef>(reader, 'OpDef', reader.end(end)); break;
      case 26: nodes.push(readNode(reader, reader.end(end))); break;
      case 34: readPair(reader, reader.end(end), results); break;
      case 42: readAttributeEntry(reader, reader.end(end), attributes, 0); break;
      case 50: readPair(reader, reader.end(end), controlResults); break;
      case 58: readArgumentAttributes(reader, reader.end(end), argumentAttributes); break;
      default: reader.skip(key, end);
    }
  }
  return { signature, nodes, attributes, results, controlResults, argumentAttributes };
}

function readPair(reader: WireReader, end: number, into: Map<string, string>): void {
  let name = '', value = '';
  reader.spend(8);
  for (let key; (key = reader.key(end)) !== 0;) {
    if (key === 10) name = reader.string(end);
    else if (key === 18) value = reader.string(end);
    else reader.skip(key, end);
  }
  into.set(name, value);
}

function readArgumentAttributes(reader: WireReader, end: number, into: Map<number, AttributeMap>): void {
  let index = 0;
  const attributes: AttributeMap = Object.create(null);
  for (let key; (key = reader.key(end)) !== 0;) {
    if (key === 8) index = reader.uint();
    else if (key === 18) {
      const stop = reader.end(end);
      for (let inner; (inner = reader.key(stop)) !== 0;) {
        if (inner === 10) readAttributeEntry(reader, reader.end(stop), attributes, 0);
        else reader.skip(inner, stop);
      }
    } else reader.skip(key, end);
  }
  into.set(index, attributes);
}
