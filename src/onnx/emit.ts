/** Serialises a graph as an ONNX model. Weights are not copied into it: they stay where they are stored. */

import { parse, relative } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataLocation as DataLocation,
  TensorProto_DataType as DataType,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { ChatRexError } from '../errors.ts';
import { type Dim, isStatic, type Shape, termsOf } from '../tensor/dimension.ts';
import { type DType, type TensorData, toTypedArray } from '../tensor/dtype.ts';
import type { Graph } from '../tensor/graph.ts';
import type { OnnxAttribute, OnnxNodeOptions, OnnxWriter } from '../tensor/onnx-writer.ts';
import type { Op, Tensor, TensorType } from '../tensor/tensor.ts';

/** How a weight is stored; it is converted to the dtype of its parameter when the session is made. */
export type StoredDType = DType | 'bfloat16' | 'float64';

/** A weight in memory, or bytes of a file that stay there. */
export type StoredWeight =
  | { readonly dtype: StoredDType; readonly data: TensorData | Uint8Array }
  | { readonly dtype: StoredDType; readonly path: string; readonly byteOffset: number; readonly byteLength: number };

/**
 * Weights by parameter name. 'fed' makes a parameter an input of the model instead, as training needs; 'feeds' makes
 * all.
 */
export type WeightStorage = ReadonlyMap<string, StoredWeight | 'fed'> | 'feeds';

export interface EmittedModel {
  readonly bytes: Uint8Array;
  /** Folder that the locations of external weights are relative to, when there are any. */
  readonly externalFolder?: string;
}

/** The standard operator set, and the version of the file format that carries it. */
const opsetVersion = 21n;
const irVersion = 10n;

const onnxTypes: Record<StoredDType, DataType> = {
  float32: DataType.FLOAT,
  float16: DataType.FLOAT16,
  bfloat16: DataType.BFLOAT16,
  float64: DataType.DOUBLE,
  int8: DataType.INT8,
  uint8: DataType.UINT8,
  int32: DataType.INT32,
  int64: DataType.INT64,
  bool: DataType.BOOL,
};

export interface EmitOptions {
  /**
   * What the locations of external weights are relative to; by default the root of their file system, so that they may
   * lie anywhere on it.
   */
  readonly externalFolder?: string;
  /** See `OnnxWriter`. */
  readonly channelBlock?: number;
  /**
   * Whether a weight in int8 has a name for every node that reads it: ONNX Runtime shifts such weights node by node on
   * some processors, and refuses to shift one of a name twice.
   */
  readonly namesBytesApart?: boolean;
}

/** @throws ChatRexError when a parameter has no stored weight. */
export function emitModel(graph: Graph, weights: WeightStorage, options: EmitOptions = {}): EmittedModel {
  const writer = new ModelWriter(graph, weights, options);
  const used = new Set<Tensor>(Object.values(graph.outputs));
  for (const { inputs } of graph.nodes) for (const tensor of inputs) if (tensor) used.add(tensor);
  const names = new Map<Tensor, string>();
  const wanted = new Map(Object.entries(graph.outputs).map(([name, tensor]) => [tensor, name]));
  for (const { op, inputs, outputs, attributes } of graph.nodes) {
    // ONNX lets an output go unnamed, but hardly ever the first.
    const outputNames = outputs.map((tensor, i) =>
      i === 0 || used.has(tensor) ? (wanted.get(tensor) ?? writer.fresh(op.name)) : '',
    );
    while (outputNames.at(-1) === '') outputNames.pop();
    (op as Op<unknown>).emit({
      onnx: writer,
      inputs: inputs.map((tensor) => (tensor ? (names.get(tensor) as string) : '')),
      outputs: outputNames,
      inputTypes: inputs as readonly TensorType[],
      outputTypes: outputs,
      attributes,
    });
    outputNames.forEach((name, i) => {
      names.set(outputs[i], writer.resolve(name));
    });
  }
  for (const [name, tensor] of Object.entries(graph.outputs)) {
    writer.output(name, names.get(tensor) as string, tensor);
  }
  if (options.namesBytesApart) writer.nameBytesApart();
  return writer.finish();
}

class ModelWriter implements OnnxWriter {
  readonly #graph: Graph;
  readonly #weights: WeightStorage;
  readonly #nodes: NodeProto[] = [];
  readonly #initializers: TensorProto[] = [];
  readonly #inputs: ValueInfoProto[] = [];
  readonly #outputs: ValueInfoProto[] = [];
  readonly #aliases = new Map<string, string>();
  readonly #constants = new Map<string, string>();
  readonly #made = new Map<string, string>();
  /** Where a symbol's value can be read: an input and the axis on which it stands. */
  readonly #symbols = new Map<string, { input: string; axis: number }>();
  readonly channelBlock: number | undefined;
  readonly #givenFolder: string | undefined;
  #externalFolder: string | undefined;
  #count = 0;

  constructor(graph: Graph, weights: WeightStorage, { externalFolder, channelBlock }: EmitOptions) {
    this.#graph = graph;
    this.#weights = weights;
    this.#givenFolder = externalFolder;
    this.channelBlock = channelBlock;
    for (const { name, shape } of graph.inputs.values()) {
      shape.forEach((dim, axis) => {
        if (!isStatic(dim) && !this.#symbols.has(dim)) this.#symbols.set(dim, { input: name, axis });
      });
    }
  }

  fresh(hint: string): string {
    return `%${hint}_${this.#count++}`;
  }

  resolve(name: string): string {
    return this.#aliases.get(name) ?? name;
  }

  alias(output: string, existing: string): void {
    this.#aliases.set(output, this.resolve(existing));
  }

  node(opType: string, inputs: readonly string[], outputs: readonly string[], options: OnnxNodeOptions = {}): void {
    const attribute = Object.entries(options.attributes ?? {}).flatMap(([name, value]) =>
      value === undefined ? [] : [attributeProto(name, value)],
    );
    const name = `${opType}_${this.#count++}`;
    const node = { name, opType, input: [...inputs], output: [...outputs], attribute, domain: options.domain ?? '' };
    this.#nodes.push(create(NodeProtoSchema, node));
  }

  value(opType: string, inputs: readonly string[], options?: OnnxNodeOptions): string {
    const name = this.fresh(opType);
    this.node(opType, inputs, [name], options);
    return name;
  }

  constant(dtype: DType, shape: readonly number[], data: TensorData): string {
    const key = data.length <= 16 ? `${dtype}[${shape}]${data.join()}` : undefined;
    const known = key && this.#constants.get(key);
    if (known) return known;
    const name = this.fresh('constant');
    if (key) this.#constants.set(key, name);
    this.#initializers.push(tensorProto(name, dtype, shape, data));
    return name;
  }

  once(key: string, make: () => string): string {
    const made = this.#made.get(key) ?? make();
    this.#made.set(key, made);
    return made;
  }

  scalar(dtype: DType, value: number): string {
    return this.constant(dtype, [], toTypedArray(dtype, [value]));
  }

  integers(values: readonly number[]): string {
    return this.constant('int64', [values.length], BigInt64Array.from(values, BigInt));
  }

  sizes(dims: readonly Dim[]): string {
    if (dims.every(isStatic)) return this.integers(dims);
    const parts = dims.map((dim) => (isStatic(dim) ? this.integers([dim]) : this.#size(dim)));
    return parts.length === 1 ? parts[0] : this.value('Concat', parts, { attributes: { axis: 0 } });
  }

  /** int64[1] of a symbolic size, computed once per model. */
  #size(dim: Dim): string {
    const known = this.#constants.get(`size ${dim}`);
    if (known) return known;
    const terms = termsOf(dim).map(({ coefficient, symbols }) => {
      const factors = symbols.map((symbol) => this.#symbol(symbol));
      if (coefficient !== 1 || factors.length === 0) factors.push(this.integers([coefficient]));
      return factors.reduce((a, b) => this.value('Mul', [a, b]));
    });
    const name = terms.reduce((a, b) => this.value('Add', [a, b]));
    this.#constants.set(`size ${dim}`, name);
    return name;
  }

  #symbol(symbol: string): string {
    const source = this.#symbols.get(symbol);
    if (!source) {
      throw new ChatRexError('invalid-shape', `no input of the graph has the size '${symbol}' as one of its axes`);
    }
    return this.value('Shape', [source.input], { attributes: { start: source.axis, end: source.axis + 1 } });
  }

  input(name: string, dtype: DType, shape: Shape): string {
    this.#inputs.push(valueInfo(name, dtype, shape));
    return name;
  }

  parameter(name: string, dtype: DType, shape: readonly number[]): string {
    const stored = this.#weights === 'feeds' ? 'fed' : this.#weights.get(name);
    if (stored === 'fed') return this.input(name, dtype, shape);
    if (!stored) throw new ChatRexError('weights-mismatch', `no weight is stored for parameter ${name}`);
    this.#initializers.push(
      'data' in stored ? tensorProto(name, stored.dtype, shape, stored.data) : this.#external(name, shape, stored),
    );
    return stored.dtype === dtype ? name : this.value('Cast', [name], { attributes: { to: onnxTypes[dtype] } });
  }

  #external(name: string, shape: readonly number[], weight: Extract<StoredWeight, { path: string }>): TensorProto {
    const { root } = parse(weight.path);
    if (root === '') throw new ChatRexError('invalid-argument', `the path of weight ${name} is not absolute`);
    if (this.#externalFolder !== undefined && this.#externalFolder !== root) {
      throw new ChatRexError('unsupported', `weights on two drives (${this.#externalFolder} and ${root}) in one model`);
    }
    this.#externalFolder = root;
    const entries = {
      location: relative(this.#givenFolder ?? root, weight.path),
      offset: String(weight.byteOffset),
      length: String(weight.byteLength),
    };
    return create(TensorProtoSchema, {
      name,
      dataType: onnxTypes[weight.dtype],
      dims: shape.map(BigInt),
      dataLocation: DataLocation.EXTERNAL,
      externalData: Object.entries(entries).map(([key, value]) => create(StringStringEntryProtoSchema, { key, value })),
    });
  }

  /** Outputs carry the caller's names; a value that goes by another name (an input, an output twice) is copied. */
  output(name: string, value: string, type: TensorType): void {
    if (value !== name) this.node('Identity', [value], [name]);
    this.#outputs.push(valueInfo(name, type.dtype, type.shape));
  }

  nameBytesApart(): void {
    const weights = new Map(
      this.#initializers.filter(({ dataType }) => dataType === DataType.INT8).map((weight) => [weight.name, weight]),
    );
    const seen = new Set<string>();
    for (const node of this.#nodes) {
      node.input = node.input.map((name) => {
        const weight = weights.get(name);
        if (!weight) return name;
        if (!seen.has(name)) {
          seen.add(name);
          return name;
        }
        const own = this.fresh(name);
        this.#initializers.push({ ...weight, name: own });
        return own;
      });
    }
  }

  finish(): EmittedModel {
    for (const name of Object.keys(this.#graph.outputs)) {
      if (this.#graph.inputs.has(name)) {
        throw new ChatRexError('invalid-argument', `'${name}' is both an input and an output of the graph; rename one`);
      }
    }
    const model = create(ModelProtoSchema, {
      irVersion,
      producerName: 'chatrex',
      opsetImport: [
        create(OperatorSetIdProtoSchema, { domain: '', version: opsetVersion }),
        create(OperatorSetIdProtoSchema, { domain: 'com.microsoft', version: 1n }),
        ...(this.channelBlock === undefined
          ? []
          : [create(OperatorSetIdProtoSchema, { domain: 'com.microsoft.nchwc', version: 1n })]),
      ],
      graph: create(GraphProtoSchema, {
        name: 'chatrex',
        node: this.#nodes,
        initializer: this.#initializers,
        input: this.#inputs,
        output: this.#outputs,
      }),
    });
    return { bytes: toBinary(ModelProtoSchema, model), externalFolder: this.#externalFolder };
  }
}

function tensorProto(name: string, dtype: StoredDType, shape: readonly number[], data: ArrayBufferView): TensorProto {
  const rawData = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
  return create(TensorProtoSchema, { name, dataType: onnxTypes[dtype], dims: shape.map(BigInt), rawData });
}

function valueInfo(name: string, dtype: DType, shape: Shape): ValueInfoProto {
  const dim = shape.map((size) =>
    create(TensorShapeProto_DimensionSchema, {
      value: isStatic(size) ? { case: 'dimValue', value: BigInt(size) } : { case: 'dimParam', value: size },
    }),
  );
  const tensorType = create(TypeProto_TensorSchema, {
    elemType: onnxTypes[dtype],
    shape: create(TensorShapeProtoSchema, { dim }),
  });
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: 'tensorType', value: tensorType } }),
  });
}

function attributeProto(name: string, value: OnnxAttribute): AttributeProto {
  const attribute = create(AttributeProtoSchema, { name });
  if (typeof value === 'number') {
    return Object.assign(attribute, { type: AttributeType.INT, i: BigInt(value) });
  }
  if (typeof value === 'string') {
    return Object.assign(attribute, { type: AttributeType.STRING, s: new TextEncoder().encode(value) });
  }
  if ('float' in value) return Object.assign(attribute, { type: AttributeType.FLOAT, f: value.float });
  if ('floats' in value) return Object.assign(attribute, { type: AttributeType.FLOATS, floats: [...value.floats] });
  return Object.assign(attribute, { type: AttributeType.INTS, ints: value.map(BigInt) });
}
