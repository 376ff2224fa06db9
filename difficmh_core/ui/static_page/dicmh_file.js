/* What a .dicmh file says without a network: the same checks, in the same order and in the same
   words, as bitstream/container.py and the command `difficmh info`. docs/file_format.md describes
   the bytes. */

const MAGIC = [0xd1, 0x43, 0x4d];
const VERSION = 1;
const FIXED_BYTES = 10;
const CHECKS_BYTES = 6;
const CRC_BYTES = 4;
const MOST_LEB128_BYTES = 5;
const MOST_SIDE_PX = 65535;
const LIMITS = { pixels: 64_000_000, tags: 64, payloadBytes: 1 << 24, fileBytes: 1 << 26 };

/** A file that is no good; the message says why, and what to do. */
class RefusedError extends Error {}

const hex = (bytes, separator = "") => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(separator);
const grouped = (number) => number.toLocaleString("en-US");

/** Write a number with so many digits after the point; ties go to the even digit, as in Python. */
function fixed(number, digits) {
  const exact = number.toFixed(digits + 60); // every digit of what lies halfway
  const [kept, rest] = [exact.slice(0, -60), exact.slice(-60)];
  if (rest !== "5".padEnd(60, "0")) return number.toFixed(digits);
  const last = Number(kept.at(-1));
  return last % 2 === 0 ? kept.replace(/\.$/, "") : number.toFixed(digits);
}

/** Return the CRC-32 of bytes, as zlib computes it. */
function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** Return the number that starts at a position, and the position behind it. */
function readLeb128(bytes, position) {
  let value = 0;
  for (let index = 0; index < MOST_LEB128_BYTES && position + index < bytes.length; index++) {
    const byte = bytes[position + index];
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte >= 0x80) continue;
    if (byte === 0 && index > 0) {
      throw new RefusedError(
        `The number ${value} at byte ${position} takes ${index + 1} bytes, more than it must. `
        + "The file is damaged; copy it again.",
      );
    }
    return [value, position + index + 1];
  }
  if (position + MOST_LEB128_BYTES <= bytes.length) {
    throw new RefusedError(
      `The number at byte ${position} takes more than ${MOST_LEB128_BYTES} bytes. The file is damaged; copy it again.`,
    );
  }
  throw new RefusedError(`The file ends after ${bytes.length} bytes, inside a number of its header. Copy it again.`);
}

/** Return how many sets of so many members there are. */
function comb(universe, n) {
  let sets = 1n;
  for (let index = 0n; index < BigInt(n); index++) sets = (sets * (BigInt(universe) - index)) / (index + 1n);
  return sets;
}

/** Return the size of the code of any set of n tags. */
function setCodeBytes(n, universe) {
  const largest = comb(universe, n) - 1n;
  return largest === 0n ? 0 : Math.ceil(largest.toString(2).length / 8);
}

/** Return the members of a set from its rank, ascending. */
function decodeSet(bytes, n, universe) {
  const rank = bytes.length ? BigInt(`0x${hex(bytes)}`) : 0n;
  if (rank >= comb(universe, n)) {
    throw new RefusedError(
      `The tags are coded in ${bytes.length} bytes with a rank that no set of ${n} in ${universe} tags has; `
      + `${setCodeBytes(n, universe)} bytes were expected. Copy the file again.`,
    );
  }
  const members = [];
  let left = rank;
  for (let place = n; place > 0; place--) {
    let [least, most] = [0, (members.at(-1) ?? universe) - 1]; // the largest whose share fits
    while (least < most) {
      const middle = Math.ceil((least + most) / 2);
      if (comb(middle, place) <= left) least = middle;
      else most = middle - 1;
    }
    members.push(least);
    left -= comb(least, place);
  }
  return members.reverse();
}

/** Refuse bytes that are no file of this format, or that end before their header does. */
function checkOrigin(bytes) {
  if (!MAGIC.every((byte, index) => index >= bytes.length || bytes[index] === byte)) {
    throw new RefusedError(
      `This is not a Diff-ICMH file: it begins with ${hex(bytes.slice(0, 3), " ")}, not ${hex(MAGIC, " ")}. `
      + "Choose a .dicmh file.",
    );
  }
  if (bytes.length > 3 && bytes[3] !== VERSION) {
    throw new RefusedError(
      `The file has format version ${bytes[3]}; this program reads version ${VERSION}. `
      + "Decode it with the program version that wrote it.",
    );
  }
  if (bytes.length < FIXED_BYTES + CHECKS_BYTES) {
    throw new RefusedError(`The file ends after ${bytes.length} bytes, inside its header. Copy it again.`);
  }
}

function checkPicture(height, width) {
  const size = `${width} x ${height} px`;
  if (!(height >= 1 && height <= MOST_SIDE_PX && width >= 1 && width <= MOST_SIDE_PX)) {
    throw new RefusedError(
      `The image has ${size}, but each side must have 1 to ${MOST_SIDE_PX} px. Use an image of another size.`,
    );
  }
  if (height * width > LIMITS.pixels) {
    throw new RefusedError(
      `The image has ${size}, ${grouped(height * width)} in all; the limit is ${grouped(LIMITS.pixels)}. `
      + `Use a smaller one, or raise the limit with Limits(max_pixels=${height * width}).`,
    );
  }
}

function checkLengths(nTags, nPayload, nCorrections) {
  for (const [what, found, name, limit] of [
    ["tags", nTags, "max_tags", LIMITS.tags],
    ["bytes of payload", nPayload, "max_payload_bytes", LIMITS.payloadBytes],
    ["bytes of corrections", nCorrections, "max_payload_bytes", LIMITS.payloadBytes],
  ]) {
    if (found > limit) {
      throw new RefusedError(
        `The file holds ${grouped(found)} ${what}; the limit is ${grouped(limit)}. If you trust the file, `
        + `raise the limit with Limits(${name}=${found}).`,
      );
    }
  }
}

const damaged = () => new RefusedError(
  "The file is damaged: its checksum does not match its contents. Copy it again.",
);

function unknownProfile(number) {
  const known = Object.entries(PACKAGED.profiles).map(([each, { name }]) => `${each} (${name})`).join(", ");
  return new RefusedError(
    `The file was coded with profile ${number}; this program knows the profiles ${known}. `
    + "Decode it with the program version that wrote it.",
  );
}

/** Parse the bytes of a file, a Uint8Array; refuse it as the program does. */
function readDicmh(bytes) {
  checkOrigin(bytes);
  const end = bytes.length - CRC_BYTES;
  const crc = crc32(bytes.subarray(0, end));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isIntact = view.getUint32(end) === crc;
  const profile = PACKAGED.profiles[bytes[4]];
  if (!profile) throw isIntact ? unknownProfile(bytes[4]) : damaged();

  let [height, position] = readLeb128(bytes, FIXED_BYTES);
  let width, nPayload, nCorrections;
  [width, position] = readLeb128(bytes, position);
  const nTags = bytes[position] ?? 0;
  [nPayload, position] = readLeb128(bytes, position + 1);
  [nCorrections, position] = readLeb128(bytes, position);
  const payloadStart = position + setCodeBytes(nTags, profile.vocabularySize);
  const checksStart = payloadStart + nPayload + nCorrections;
  const announced = checksStart + CHECKS_BYTES;
  const sizes = `${grouped(bytes.length)} bytes, but its header announces ${grouped(announced)}`;
  if (announced > bytes.length) throw new RefusedError(`The file ends after ${sizes}. Copy it again.`);
  if (!isIntact) throw damaged();
  if (announced < bytes.length) throw new RefusedError(`The file has ${sizes}. Encode the image again.`);
  checkPicture(height, width);
  checkLengths(nTags, nPayload, nCorrections);
  return {
    profile,
    nBytes: bytes.length,
    bpp: (8 * bytes.length) / (height * width),
    height,
    width,
    qualityLevel: bytes[5],
    fingerprint: hex(bytes.subarray(6, FIXED_BYTES)),
    symbolCheck: hex(bytes.subarray(checksStart, checksStart + 2)),
    checksum: crc.toString(16).padStart(8, "0"),
    tags: decodeSet(bytes.subarray(position, payloadStart), nTags, profile.vocabularySize),
    sectionBytes: {
      header: position, tags: payloadStart - position, payload: nPayload, corrections: nCorrections, checks: CHECKS_BYTES,
    },
  };
}

/** Tell every field of a file, as `difficmh info --json` and `difficmh info` do. */
function reportOf(file, stream) {
  const { profile, nBytes, bpp, height, width, qualityLevel } = stream;
  const quality = (qualityLevel / 255) * 100;
  const rate = profile.hasRates ? { rate: qualityLevel } : { quality: Number(fixed(quality, 2)) };
  const tags = stream.tags.map((id) => ({ id, name: profile.hasNames ? PACKAGED.names[id] : null }));
  const sections = Object.entries(stream.sectionBytes).map(([name, size]) => [name, 8 * size]);
  const fields = {
    file,
    n_bytes: nBytes,
    bpp,
    height_px: height,
    width_px: width,
    profile: profile.name,
    quality_level: qualityLevel,
    ...rate,
    fingerprint: stream.fingerprint,
    symbol_check: stream.symbolCheck,
    checksum: stream.checksum,
    tags,
    section_bits: Object.fromEntries(sections),
  };
  const how = profile.hasRates
    ? `rate weight ${qualityLevel}`
    : `quality ${fixed(quality, 1)} (level ${qualityLevel} of 255)`;
  const lines = [
    `${file}: ${grouped(nBytes)} bytes, ${fixed(bpp, 4)} bpp, ${width} x ${height} px, ${how}`,
    `profile ${profile.name}, model ${stream.fingerprint}, symbol check ${stream.symbolCheck}, `
      + `checksum ${stream.checksum}`,
    `tags: ${tags.map(({ id, name }) => name ?? `number ${id}`).join(", ") || "none"}`,
    ...sections.map(([name, bits]) => {
      const share = fixed((bits / (8 * nBytes)) * 100, 1);
      return `${name.padStart(11)} ${`${grouped(bits)}.0`.padStart(11)} bits ${`${share}%`.padStart(6)}`;
    }),
  ];
  return { fields, text: lines.join("\n") };
}
