"""The nightly batch: every company's KPI table and notebooks into its report folder, through papermill.

Each step (a company's data, one notebook) runs in a process of its own. A company's folder is written beside
its place and moved there whole, only when all of its notebooks ran and no identity is broken.
"""
