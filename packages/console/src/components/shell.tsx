import { OrganizationIcon, PlayIcon, RepoIcon, SignOutIcon, WebhookIcon } from "@primer/octicons-react";
import Link from "next/link";
import type { ReactNode } from "react";
import { signOut } from "../app/login/actions.ts";
import { requireSession } from "../session/current.ts";
import { listOrganizations } from "../upstream/organization.ts";
import { Avatar } from "./avatar.tsx";
import { Logo } from "./logo.tsx";
import { NavLink } from "./nav-link.tsx";
import styles from "./shell.module.css";
import { ThemeToggle } from "./theme-toggle.tsx";

/** Sections of an organization. Each later page set adds its line. */
const sections = [
  { path: "", label: "Repositories", icon: RepoIcon, also: ["/repositories"] },
  { path: "/runs", label: "Runs", icon: PlayIcon, also: ["/runs"] },
  { path: "/hooks", label: "Hooks & Policies", icon: WebhookIcon, also: ["/hooks"] },
] as const;

export interface Crumb {
  label: string;
  href: string;
}

/** The frame of every page: organization first, then where one is, then who one is. */
export async function Shell({ org, crumbs = [], children }: { org?: string; crumbs?: Crumb[]; children: ReactNode }) {
  const [{ user }, organizations] = await Promise.all([requireSession(), listOrganizations()]);
  return (
    <div className={styles.shell}>
      <a href="#main" className={styles.skip}>
        Skip to content
      </a>
      <header className={styles.top}>
        <Link href="/orgs" prefetch={false} className={styles.brand} aria-label="Krate, all organizations">
          <Logo size={26} />
        </Link>
        <nav aria-label="Breadcrumbs" className={styles.crumbs}>
          {org && <OrganizationSwitcher org={org} organizations={organizations} />}
          {crumbs.map(({ label, href }) => (
            <span key={href} className={styles.crumb}>
              <span aria-hidden="true" className="faint">
                /
              </span>
              <Link href={href} prefetch={false}>
                {label}
              </Link>
            </span>
          ))}
        </nav>
        <ThemeToggle />
        <details className={styles.menu}>
          <summary aria-label={`Signed in as ${user}`}>
            <Avatar name={user} size={26} />
          </summary>
          <div className={styles.popup}>
            <p>
              Signed in as <strong>{user}</strong>
            </p>
            <form action={signOut}>
              <button type="submit" className="button quiet">
                <SignOutIcon /> Sign out
              </button>
            </form>
          </div>
        </details>
      </header>
      <div className={styles.body}>
        {org && (
          <nav className={styles.side} aria-label="Sections">
            {sections.map(({ path, label, icon: Shape, also }) => (
              <NavLink key={label} href={`/orgs/${org}${path}`} also={also.map((folder) => `/orgs/${org}${folder}`)}>
                <Shape /> {label}
              </NavLink>
            ))}
          </nav>
        )}
        <main id="main" className={styles.main}>
          {children}
        </main>
      </div>
    </div>
  );
}

function OrganizationSwitcher({
  org,
  organizations,
}: {
  org: string;
  organizations: { slug: string; displayName: string }[];
}) {
  const current = organizations.find(({ slug }) => slug === org)?.displayName ?? org;
  return (
    <details className={styles.menu}>
      <summary className={styles.switch}>
        <OrganizationIcon /> {current}
        <span className={styles.caret} aria-hidden="true" />
      </summary>
      <ul className={`${styles.popup} ${styles.left}`}>
        {organizations.map(({ slug, displayName }) => (
          <li key={slug}>
            <a href={`/orgs/${slug}`} aria-current={slug === org ? "true" : undefined} className={styles.choice}>
              {displayName}
            </a>
          </li>
        ))}
      </ul>
    </details>
  );
}
