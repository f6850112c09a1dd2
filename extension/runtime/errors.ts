import { UserError } from '../../kernels/graph/errors.ts';
import type { ErrorCode, ErrorPlace } from '../../kernels/graph/errors.ts';
import type { CudaLibraries, UserErrorFields } from './protocol.ts';

export function fieldsOf({ code, message, remedy, place }: UserError): UserErrorFields {
  return { code, message, remedy, place };
}

export function userErrorOf({ code, message, remedy, place }: UserErrorFields): UserError {
  return new UserError(code, message, remedy, place);
}

/** ONNX Runtime's process ended while it worked. The request is not repeated: it may be what ended it. */
export class RuntimeDied extends UserError {
  constructor(how: string, remedy: string) {
    super('run', `ONNX Runtime's process ended: ${how}.`, remedy);
    this.name = 'RuntimeDied';
  }
}

const SMALLER = 'Use a smaller batch or smaller dimensions, or a machine with more memory.';
const OTHER_TYPE = 'Cast to float32 around this operator.';
const LOG = 'The log has the full text.';

interface Pattern {
  readonly find: RegExp;
  describe(groups: readonly string[], text: string): { code?: ErrorCode; message: string; remedy: string; place?: ErrorPlace };
}

/** ONNX's numbers of the element types that the Node binding cannot hand over as a graph's input or output. */
const NOT_HANDED_OVER: Readonly<Record<string, string>> = {
  14: 'complex64', 15: 'complex128', 16: 'bfloat16', 17: 'float8e4m3fn', 18: 'float8e4m3fnuz', 19: 'float8e5m2', 20: 'float8e5m2fnuz',
  23: 'float4e2m1', 24: 'float8e8m0', 25: 'uint2', 26: 'int2',
};

/** The first that matches describes the error. */
const PATTERNS: readonly Pattern[] = [
  {
    find: /Non-zero status code returned while running (\S+) node\. Name:'([^']*)' Status Message: ([^]*)/,
    describe([op, node, status]) {
      const place = { node: node!, op: op! };
      const size = /requested buffer of size (\d+)/.exec(status!)?.[1];
      if (size || OUT_OF_MEMORY.test(status!)) {
        return { message: `Out of memory in ${at(place)}${size ? `: it asked for ${bytes(Number(size))}` : ''}.`, remedy: SMALLER, place };
      }
      const shapes = /dimension|shape|broadcast|rank|axis|mismatch/i.test(status!);
      return {
        message: `${capital(at(place))} failed: ${sentence(status!)}`,
        remedy: shapes ? 'Check the shapes of the inputs and the sizes given to symbolic dimensions.' : LOG,
        place,
      };
    },
  },
  {
    find: /Could not find an implementation for (\w+)\((\d+)\) node with name '([^']*)'/,
    describe: ([op, since, node]) => ({
      message: `ONNX Runtime has no kernel for ${at({ op, node })} (version ${since} of the operator) with these element types.`,
      remedy: OTHER_TYPE,
      place: { node: node!, op: op! },
    }),
  },
  {
    find: /In Node, \("([^"]*)", (\w+), "([^"]*)"[^]*No Op registered for/,
    describe: ([node, op, domain]) => ({
      message: `ONNX Runtime does not know the operator of ${at({ op, node })}${domain ? ` (domain ${domain})` : ''}.`,
      remedy: 'Operators of other domains need a function body in the file.',
      place: { node: node!, op: op! },
    }),
  },
  {
    find: /Fatal error: ([\w.]*):(\w+)\(-?\d+\) is not a registered function/,
    describe: ([domain, op]) => ({
      message: `ONNX Runtime does not know the operator ${op}${domain ? ` (domain ${domain})` : ''}.`,
      remedy: 'Operators of other domains need a function body in the file.',
      place: { op: op! },
    }),
  },
  {
    find: /Node \(([^)]*)\) Op \((\w+)\) \[\w+\] ([^]*)/,
    describe: ([node, op, why]) => ({
      message: `${capital(at({ op, node }))} does not fit its inputs: ${sentence(why!)}`,
      remedy: 'Check the shapes of the inputs and the sizes given to symbolic dimensions.',
      place: { node: node!, op: op! },
    }),
  },
  {
    find: /Type Error: ([^]*?Optype? ?\((\w+)\)[^]*?in node \(([^)]*)\)[^]*)/,
    describe: ([why, op, node]) => ({
      message: `${capital(at({ op, node }))} gets element types that do not fit: ${sentence(why!)}`,
      remedy: 'The file is not valid ONNX at this node, or a Cast is missing.',
      place: { node: node!, op: op! },
    }),
  },
  {
    find: /Opset (\d+) is under development[^]*Current official support for domain (\S+) is till opset (\d+)/,
    describe: ([given, domain, last]) => ({
      message: `The model is stamped with opset ${given} of ${domain}; this ONNX Runtime supports up to ${last}.`,
      remedy: `Export it with opset ${last} or lower.`,
    }),
  },
  {
    find: /Unsupported data type: (\d+)/,
    describe: ([number]) => ({
      message: `An input or output of the graph has the element type ${NOT_HANDED_OVER[number!] ?? `number ${number}`}, which ONNX Runtime's Node binding cannot hand over.`,
      remedy: 'Make it float32 and put a Cast in the graph.',
    }),
  },
  {
    find: /tensor\((\w+)\) is not currently registered or supported/,
    describe: ([dtype]) => ({ message: `ONNX Runtime has no tensors of the type ${dtype}.`, remedy: OTHER_TYPE }),
  },
  {
    find: /protobuf parsing failed|Protobuf parsing failed|ModelProto does not have a graph/,
    describe: () => ({ code: 'file', message: 'ONNX Runtime cannot read the model: it is not a whole ONNX file.', remedy: 'Export or download the file again.' }),
  },
  {
    find: /File doesn't exist|No such file or directory \[?[^]*?open file|cannot find the file/i,
    describe: (_, text) => ({ code: 'file', message: `ONNX Runtime does not find a file: ${sentence(text)}`, remedy: 'Put the file back where the model expects it.' }),
  },
  {
    find: /escapes|external data|external initializer|out of bounds[^]*file/i,
    describe: (_, text) => ({
      code: 'file',
      message: `The weights outside the model cannot be used: ${sentence(text)}`,
      remedy: 'They must lie whole in the folder of the model, or below it; links that lead out of it are refused.',
    }),
  },
  {
    find: /Got invalid dimensions for input: (\S+)[^]*?index: (\d+) Got: (\d+) Expected: (\d+)/,
    describe: ([name, axis, got, expected]) => ({
      code: 'usage', message: `Input ${name} has the size ${got} at axis ${axis}; the model expects ${expected}.`, remedy: 'Give an input of the right shape.',
    }),
  },
  {
    find: /Invalid rank for input: (\S+) Got: (\d+) Expected: (\d+)/,
    describe: ([name, got, expected]) => ({
      code: 'usage', message: `Input ${name} has ${got} dimensions; the model expects ${expected}.`, remedy: 'Give an input of the right shape.',
    }),
  },
  {
    find: /bad_alloc|out of memory|Failed to allocate memory|CUBLAS_STATUS_ALLOC_FAILED|cudaErrorMemoryAllocation/i,
    describe: () => ({ message: 'Out of memory in ONNX Runtime.', remedy: SMALLER }),
  },
  {
    find: /CUDA (?:failure|error)|CUDNN_STATUS|CUBLAS_STATUS/i,
    describe: (_, text) => ({ message: `CUDA failed: ${sentence(text)}`, remedy: 'Run on the CPU, or check the driver with nvidia-smi.' }),
  },
];
const OUT_OF_MEMORY = /bad_alloc|out of memory|Failed to allocate memory|CUBLAS_STATUS_ALLOC_FAILED|cudaErrorMemoryAllocation/i;

/** Turns a text of ONNX Runtime into an error for a person: node and operator where the text names them, and what to do. */
export function describeOrtError(text: string): UserError {
  for (const { find, describe } of PATTERNS) {
    const match = find.exec(text);
    if (!match) continue;
    const { code = 'run', message, remedy, place } = describe(match.slice(1), text);
    return new UserError(code, message, remedy, place);
  }
  return new UserError('run', `ONNX Runtime failed: ${sentence(text)}`, LOG);
}

/** Throws UserError('run') that names the missing libraries and how to get them. */
export function requireCuda({ known, platform, version, folders, missing }: CudaLibraries): void {
  if (!known) throw new UserError('run', `ONNX Runtime's Node package has no CUDA provider on ${platform}.`, 'Use the CPU here, or a machine with Linux on x64.');
  if (!missing.length) return;
  throw new UserError(
    'run',
    `CUDA cannot be used: ${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} not in ${folders.join(' or ')}.`,
    `Get the libraries of this ONNX Runtime (pip download --no-deps onnxruntime-gpu==${version}, unzip the wheel, folder onnxruntime/capi) and name the folder in the CUDA folder setting. `
      + 'CUDA and the cuDNN that belongs to it must be on the library path or in folders named there too. Until then the CPU works.',
  );
}

/**
 * Why the CUDA provider's libraries were found but not loaded.
 * @param log what ONNX Runtime wrote meanwhile: the loader's reason is only there.
 */
export function describeCudaLoadError(text: string, log: string): UserError {
  const loader = /Failed to load library \S+ with error: ([^\n]*)/.exec(log)?.[1] ?? '';
  const absent = /(lib[\w.+-]+\.so[.\d]*): cannot open shared object file/.exec(loader)?.[1];
  if (absent) return new UserError('run', `CUDA cannot be used: the library ${absent} is missing.`, howToGet(absent));
  return new UserError('run', `CUDA cannot be used: ${sentence(loader || text)}`, 'Check the driver with nvidia-smi and the versions of the libraries, or run on the CPU.');
}

function howToGet(library: string): string {
  if (/^libcuda\.so/.test(library)) return "It is part of NVIDIA's driver: install the driver, or run on the CPU.";
  const version = /^lib(?:cublas|cublasLt|cudart|cudnn)\.so\.(\d+)/.exec(library)?.[1];
  const product = /cudnn/.test(library) ? 'cuDNN' : 'CUDA';
  return `Install ${product}${version ? ` ${version}` : ''}, and have its library folder in LD_LIBRARY_PATH or in the CUDA folder setting. Until then the CPU works.`;
}

export function bytes(n: number): string {
  return n >= 2 ** 30 ? `${(n / 2 ** 30).toFixed(1)} GiB` : n >= 2 ** 20 ? `${(n / 2 ** 20).toFixed(1)} MiB` : `${n} bytes`;
}

function at({ op, node }: ErrorPlace): string {
  return node ? `node ${node} (${op})` : `a node of type ${op}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** ONNX Runtime's own words, without its source positions, C++ signatures and failed conditions. */
function sentence(text: string): string {
  const words = text
    .replace(/^\s*\S+\.(?:h|hpp|cc|cpp|cu|cuh):\d+ /, '')
    .replace(/^(?:[\w:<>,*&~ ]+?::)?[\w~]+\([^()]*\)(?: const)? /, '')
    .replace(/^[\w:<>,*& ]+\([^()]*\)(?: const)? (?=\S)/, '')
    .replace(/^[^.]*? was false\. (?=\S)/, '')
    .replace(/\s+/g, ' ')
    .trim();
  const short = words.length > 400 ? `${words.slice(0, 400)} …` : words;
  return /[.!?…]$/.test(short) ? short : `${short}.`;
}
