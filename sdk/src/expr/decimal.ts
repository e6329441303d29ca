import type { DataType, Decimal } from "../schema/type.js";

const MAX_DIGITS = 38;

/** The decimals that hold all values of an exact type. */
function digitsOf(type: DataType): { precision: number; scale: number } {
  if (type.kind === "decimal") return type;
  return { precision: type.kind === "int32" ? 10 : 19, scale: 0 };
}

function decimal(precision: number, scale: number): Decimal {
  return { kind: "decimal", precision: Math.min(MAX_DIGITS, precision), scale };
}

/** The decimal that holds the values of two exact types, one of them a decimal. */
export function commonDecimal(left: DataType, right: DataType): Decimal {
  const [a, b] = [digitsOf(left), digitsOf(right)];
  const scale = Math.max(a.scale, b.scale);
  return decimal(scale + Math.max(a.precision - a.scale, b.precision - b.scale), scale);
}

/** What arithmetic between two exact types gives, one of them a decimal; the core computes with the same digits. */
export function decimalResult(name: "Add" | "Sub" | "Mul" | "Div" | "Mod", left: DataType, right: DataType): Decimal {
  const [a, b] = [digitsOf(left), digitsOf(right)];
  const scale = Math.max(a.scale, b.scale);
  switch (name) {
    case "Add":
    case "Sub":
      return decimal(scale + Math.max(a.precision - a.scale, b.precision - b.scale) + 1, scale);
    case "Mul":
      return decimal(a.precision + b.precision + 1, a.scale + b.scale);
    case "Div": {
      const finer = Math.min(MAX_DIGITS, a.scale + 4);
      return decimal(a.precision - a.scale + b.scale + finer, finer);
    }
    case "Mod":
      return decimal(scale + Math.min(a.precision - a.scale, b.precision - b.scale), scale);
  }
}

/** The text of a literal, unless it has more digits than the type. */
export function decimalLiteral(value: unknown, type: Decimal): string | undefined {
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "bigint") return undefined;
  const match = /^-?(\d+)(?:\.(\d+))?$/.exec(String(value));
  if (match === null) return undefined;
  const [, whole = "", fraction = ""] = match;
  const fits =
    whole.replace(/^0+/, "").length <= type.precision - type.scale && fraction.replace(/0+$/, "").length <= type.scale;
  return fits ? String(value) : undefined;
}
