"use client";
import Link from "next/link";
import { usePathname } from "next/navigation";
import type { ReactNode } from "react";

/** A link that says whether it leads to where one is. `also` is a folder of pages that belong to it; without one, everything below `href`. */
export function NavLink({
  href,
  also,
  exact,
  children,
}: {
  href: string;
  also?: string | undefined;
  exact?: boolean;
  children: ReactNode;
}) {
  const path = usePathname();
  const below = also ?? (exact ? undefined : href);
  const isCurrent = path === href || (below !== undefined && (path === below || path.startsWith(`${below}/`)));
  return (
    <Link href={href} prefetch={false} aria-current={isCurrent ? "page" : undefined}>
      {children}
    </Link>
  );
}
