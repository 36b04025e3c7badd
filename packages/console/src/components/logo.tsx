/** A crate, seen from a corner. */
export function Logo({ size = 24 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" fill="none" role="img" aria-label="Krate">
      <path d="M12 1.8 21 6.6v10.8l-9 4.8-9-4.8V6.6z" fill="var(--accent-soft)" />
      <path d="M12 1.8 21 6.6v10.8l-9 4.8-9-4.8V6.6z" stroke="var(--accent)" strokeWidth="1.6" strokeLinejoin="round" />
      <path d="m3.4 6.8 8.6 4.6 8.6-4.6M12 11.4v10.4" stroke="var(--accent)" strokeWidth="1.6" strokeLinejoin="round" />
      <path d="m7.6 4.3 8.8 4.7" stroke="var(--accent)" strokeWidth="1.6" strokeLinecap="round" />
    </svg>
  );
}
