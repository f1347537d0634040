// The formats are those of ECMA-335 (6th edition), II.25: a Windows executable whose common-language
// header says where the resources are, each with its length before it.

/** The positions in the headers of an executable, in bytes. */
const AT = { signatureOffset: 0x3c, sectionCount: 6, optionalHeaderSize: 20, optionalHeader: 24 };
/** The place of the table of directories in a 32-bit optional header, and of the runtime's entry. */
const DIRECTORIES = 96;
const RUNTIME_DIRECTORY = 14;
const RESOURCES_IN_RUNTIME_HEADER = 24;
const SECTION_BYTES = 40;
const PE32 = 0x10b;
const ALIGNMENT = 8;

/**
 * Returns the resources of a .NET assembly, in the order of the file. Throws an Error whose message
 * is a clause with the reason when the bytes are not a 32-bit or portable assembly.
 */
export function readResources(assembly: Uint8Array): readonly Uint8Array[] {
  const view = new DataView(assembly.buffer, assembly.byteOffset, assembly.byteLength);
  try {
    const { start, length } = findResources(view);
    if (start + length > assembly.length) throw new Error('it is cut short');
    return split(assembly.subarray(start, start + length));
  } catch (error) {
    if (error instanceof RangeError) throw new Error('it is cut short');
    throw error;
  }
}

function findResources(view: DataView): { readonly start: number; readonly length: number } {
  const header = view.getUint32(AT.signatureOffset, true);
  const optional = header + AT.optionalHeader;
  if (view.getUint16(optional, true) !== PE32) throw new Error('it is not a portable assembly');
  const runtime = toOffset(
    view,
    view.getUint32(optional + DIRECTORIES + 8 * RUNTIME_DIRECTORY, true),
  );
  const directory = runtime + RESOURCES_IN_RUNTIME_HEADER;
  return {
    start: toOffset(view, view.getUint32(directory, true)),
    length: view.getUint32(directory + 4, true),
  };
}

/** Turns an address in memory into a position in the file. */
function toOffset(view: DataView, address: number): number {
  const header = view.getUint32(AT.signatureOffset, true);
  const count = view.getUint16(header + AT.sectionCount, true);
  const first = header + AT.optionalHeader + view.getUint16(header + AT.optionalHeaderSize, true);
  for (let index = 0; index < count; index += 1) {
    const section = first + SECTION_BYTES * index;
    const size = view.getUint32(section + 16, true);
    const from = view.getUint32(section + 12, true);
    if (address >= from && address < from + size) {
      return address - from + view.getUint32(section + 20, true);
    }
  }
  throw new Error('it has no resources');
}

function split(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + view.getUint32(at, true);
    if (end > bytes.length) throw new Error('it is cut short');
    found.push(bytes.subarray(at + 4, end));
    at = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
  }
  return found;
}
