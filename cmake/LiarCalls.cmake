# The core's calls that lab/liar wraps where it is linked.
set(QN_LIAR_CALLS qn_link_send qn_hop_clear qn_create_answer qn_create_finish qn_onion_joint_forward
                  qn_onion_end_forward qn_onion_client_forward qn_onion_client_backward)
