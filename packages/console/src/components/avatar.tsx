/** A person as a coloured letter: no picture is fetched from anywhere. The colour follows from the name. */
export function Avatar({ name, size = 20 }: { name: string; size?: number }) {
  const short = name.split(":").at(-1) ?? name;
  let hue = 7;
  for (const character of name) hue = (hue * 31 + (character.codePointAt(0) ?? 0)) % 360;
  return (
    <svg width={size} height={size} viewBox="0 0 20 20" aria-hidden="true">
      <circle cx="10" cy="10" r="10" fill={`hsl(${hue} 55% 48%)`} />
      <text x="10" y="13.8" textAnchor="middle" fontSize="10.5" fontWeight="600" fill="#fff" fontFamily="var(--sans)">
        {short.slice(0, 1).toUpperCase()}
      </text>
    </svg>
  );
}
