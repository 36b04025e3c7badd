"use client";
import Link from "next/link";
import { usePathname } from "next/navigation";
import type { ReactNode } from "react";

/** A link that says whether it leads to where one is. `also` are folders of pages that belong to it; without any, everything below `href`. */
export function NavLink({
  href,
  also,
  exact,
  children,
}: {
  href: string;
  also?: readonly string[];
  exact?: boolean;
  children: ReactNode;
}) {
  const path = usePathname();
  const folders = also ?? (exact ? [] : [href]);
  const isCurrent = path === href || folders.some((folder) => path === folder || path.startsWith(`${folder}/`));
  return (
    <Link href={href} prefetch={false} aria-current={isCurrent ? "page" : undefined}>
      {children}
    </Link>
  );
}
