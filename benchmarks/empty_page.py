"""A page with nothing on it but its title: what Streamlit itself takes."""

import streamlit as st

st.title("Nothing")
